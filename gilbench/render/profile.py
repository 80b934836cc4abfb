"""A profiled program for the terminal: who held the GIL, who waited, readable at 80 columns and without colour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gilbench.analyse.pieces import since
from gilbench.analyse.program_findings import parked_by_kind, thread_names
from gilbench.metrics import write
from gilbench.model import Share
from gilbench.program import SHORTEST, Blame, Bucket, Call, Parked, ProfiledThread, ProgramProfile, WhatIf
from gilbench.render.figures import plain
from gilbench.render.table import bare_table

_THREADS = 20  # rows of threads, the busiest first; the others are added up in one
_FUNCTIONS = 10
_CALLS = 10
_LINES_BESIDE_THREADS = 17  # of the live view
_THREADS_TITLE = "Threads, in per cent of wall time"
_GIL_COLUMNS = ("held", "wait", "off-GIL", "blocked", "takes/s", "longest\nhold", "longest\nwait")
_BAR = 24  # columns of the longest bar
_WIDE = 120  # from here on there is room for more than the least
_HOLDERS = 4  # columns of the matrix at 80 columns
_HOLDERS_WIDE = 10
_SOLID = "\N{FULL BLOCK}"


def render_profile(profile: ProgramProfile, console: Console) -> None:
    """Print a profile.

    Args:
        profile: What is shown.
        console: Where; its width decides how much stands side by side.
    """
    console.print(_head(profile))
    console.print()
    tables = _tables(profile, console.width) if profile.duration >= SHORTEST else ()
    for title, table in tables:
        console.print(_titled(title, table))
        console.print()
    _print_list(console, "What was found", profile.findings, "bold")
    _print_list(console, "What could not be looked at", profile.unavailable, "yellow")


def live_view(now: ProgramProfile, before: ProgramProfile | None, width: int, height: int) -> RenderableType:
    """What is shown while a program runs: the head and as many threads as there are lines for.

    Args:
        now: From the start of the profile to now.
        before: From there to the last time that this was drawn; shares and rates are of the time since.
        width: Columns of the terminal.
        height: Its lines.
    """
    most = max(2, height - _LINES_BESIDE_THREADS)
    last = since(now, before)
    title = f"Threads, in per cent of the last {write(last.duration, 's')}; the longest of all time"
    return Group(_head(now), Text(), _titled(title, _threads_table(last, width, most)))


def _titled(title: str, table: Table) -> RenderableType:
    """A table under its title, which may be wider than the table."""
    return Group(plain(title, "bold"), table)


def _tables(profile: ProgramProfile, width: int) -> Iterator[tuple[str, Table]]:
    names = thread_names(profile.threads)
    locks = profile.process.gil_enabled is False
    if profile.threads:
        yield _THREADS_TITLE, _threads_table(profile, width, _THREADS)
    if locks and (kinds := parked_by_kind(profile.threads)):
        yield "Parked, by kind of lock", _parked_table(kinds)
    if buckets := _all_waits(profile.threads):
        yield "Parked, by length" if locks else "Waits for the GIL, by length", _waits_table(buckets)
    if profile.blames:
        most = _HOLDERS_WIDE if width >= _WIDE else _HOLDERS
        yield (
            "Who made whom wait: time waited, by who held the GIL when the wait began",
            _blame_table(profile.blames, names, most),
        )
    if profile.functions:
        what = "parked: share of the parked time" if locks else "held the GIL: share of samples"
        yield f"Functions that {what}", _functions_table(profile.functions)
    if profile.syscalls:
        yield "System calls", _calls_table(profile.syscalls, profile.duration)
    if profile.what_if is not None:
        cores = "1 core" if profile.what_if.cores == 1 else f"{profile.what_if.cores} cores"
        yield f"Without a GIL, on {cores}", _what_if_table(profile.what_if)
    if profile.costs:
        yield "What looking cost: time with the observer over time without it", _costs_table(profile.costs)


def _head(profile: ProgramProfile) -> RenderableType:
    return Group(*_head_lines(profile))


def _head_lines(profile: ProgramProfile) -> Iterator[Text]:
    process = profile.process
    name = "Python" if process.version is None else f"Python {process.version}"
    build = ", free-threaded" if process.free_threaded else ""
    gil = {True: ", GIL enabled", False: ", GIL disabled", None: ""}[process.gil_enabled]
    yield plain(" ".join(process.command) or process.executable, "bold")
    yield plain(f"pid {process.pid}, {name}{build}{gil if process.free_threaded else ''}")
    left_out = ""
    if process.start_up:
        left_out = f" after {write(process.start_up, 's')} of start-up, which is left out"
    ended = "" if process.status is None else f"; it ended with {_status(process.status)}"
    length = write(profile.duration, "s") if profile.duration >= SHORTEST else "less than 1 ms"
    yield plain(f"{length} profiled{left_out}{ended}")
    facts = []
    if process.cpu is not None:
        # The kernel counts from the start of the process.
        whole = profile.duration + (process.start_up or 0.0)
        cores = f" ({process.cpu / whole:.2f} cores)" if profile.duration >= SHORTEST else ""
        facts.append(f"CPU {write(process.cpu, 's')}{cores}")
    if process.memory_peak is not None:
        facts.append(f"peak memory {write(process.memory_peak, 'B')}")
    if process.voluntary_switches is not None and process.involuntary_switches is not None:
        facts.append(
            f"context switches {process.voluntary_switches} voluntary, {process.involuntary_switches} involuntary"
        )
    if facts:
        yield plain("; ".join(facts))
    yield plain(f"probe: {_probe(profile)}", "dim")


def _probe(profile: ProgramProfile) -> str:
    probe = profile.probe
    parts = [probe.name]
    if probe.error is not None:
        parts.append(f"±{write(probe.error, 'fraction')} (95 % interval)")
    if probe.lost:
        parts.append(f"{probe.lost} events lost")
    return ", ".join(parts) + (f"; {probe.reason}" if probe.reason else "")


def _status(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"


def _threads_table(profile: ProgramProfile, width: int, most: int) -> Table:
    threads, names = profile.threads, thread_names(profile.threads)
    locks = profile.process.gil_enabled is False
    families = len({thread.pid for thread in threads}) > 1
    lives = width >= _WIDE
    columns = ("parked", "on CPU", "blocked", "longest") if locks else _GIL_COLUMNS
    table = bare_table()
    table.add_column("", overflow="fold", min_width=12)
    for column in (*(("pid", "tid", "alive") if lives else ()), *columns):
        table.add_column(column, justify="right", overflow="fold")

    def row(name: Text, thread: ProfiledThread, *, ids: bool = True) -> None:
        life = (str(thread.pid), str(thread.tid)) if ids else ("", "")
        before = (*life, _percent(thread.alive)) if lives else ()
        table.add_row(name, *before, *_figures(thread, profile.duration, locks=locks))

    busiest = sorted(threads, key=_activity, reverse=True)
    shown, rest = (busiest, []) if len(busiest) <= most else (busiest[: most - 1], busiest[most - 1 :])
    for thread in sorted(shown, key=threads.index):
        pid = f" [{thread.pid}]" if families and not lives else ""
        row(plain(f"{names[thread.tid]}{pid}"), thread)
    if rest:
        row(plain(f"{len(rest)} others"), _sum(rest), ids=False)
    if len(threads) > 1:
        table.add_section()
        row(plain("all threads", "bold"), _sum(threads), ids=False)
    return table


def _activity(thread: ProfiledThread) -> float:
    return sum(share or 0.0 for share in (thread.gil_held, thread.gil_wait, thread.off_gil))


def _figures(thread: ProfiledThread, duration: float, *, locks: bool) -> list[str]:
    longest_wait = _seconds(thread.longest_wait)
    if locks:
        return [
            *(_percent(share) for share in (thread.gil_wait, thread.off_gil, thread.blocked)),
            longest_wait,
        ]
    takes = None if thread.switches is None or duration <= 0 else thread.switches / duration
    return [
        *(_percent(share) for share in (thread.gil_held, thread.gil_wait, thread.off_gil, thread.blocked)),
        "-" if takes is None else write(takes, "1"),
        _seconds(thread.longest_hold),
        longest_wait,
    ]


def _sum(threads: Sequence[ProfiledThread]) -> ProfiledThread:
    """Several threads as if they were one: shares and counts added up, the longest of all."""

    def total(name: str) -> float | None:
        values = [getattr(thread, name) for thread in threads]
        return None if None in values else sum(values)

    def longest(name: str) -> float | None:
        return max(
            (value for thread in threads if (value := getattr(thread, name)) is not None), default=None
        )

    switches = total("switches")
    return ProfiledThread(
        pid=0,
        tid=0,
        name=None,
        alive=total("alive") or 0.0,
        gil_held=total("gil_held"),
        gil_wait=total("gil_wait"),
        off_gil=total("off_gil"),
        blocked=total("blocked"),
        switches=None if switches is None else int(switches),
        longest_hold=longest("longest_hold"),
        longest_wait=longest("longest_wait"),
    )


def _parked_table(kinds: Sequence[Parked]) -> Table:
    table = bare_table()
    table.add_column("")
    for column in ("time", "parks", "longest"):
        table.add_column(column, justify="right")
    for kind in kinds:
        table.add_row(plain(kind.kind), write(kind.seconds, "s"), str(kind.count), write(kind.longest, "s"))
    return table


def _all_waits(threads: Sequence[ProfiledThread]) -> list[Bucket]:
    counts: defaultdict[tuple[float, float], int] = defaultdict(int)
    for bucket in (bucket for thread in threads for bucket in thread.waits):
        counts[bucket.lo, bucket.hi] += bucket.count
    return [Bucket(lo=lo, hi=hi, count=count) for (lo, hi), count in sorted(counts.items()) if count]


def _waits_table(buckets: Sequence[Bucket]) -> Table:
    table = bare_table()
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("count", justify="right")
    table.add_column("")
    # Takes that waited for nobody are far more than waits, and would make all of those look alike.
    most = max((bucket.count for bucket in buckets if bucket.lo), default=1)
    for bucket in buckets:
        hi = write(bucket.hi, "s")
        limits = f"{write(bucket.lo, 's')} to {hi}" if bucket.lo else f"less than {hi}"
        table.add_row(limits, str(bucket.count), _bar(bucket.count / most) if bucket.lo else "")
    return table


def _blame_table(blames: Sequence[Blame], names: dict[int, str], most: int) -> Table:
    """Waiters down, holders across, those with most of the time first; the others are added up."""
    holders, waiters = _by_seconds(blames, "holder"), _by_seconds(blames, "waiter")
    table = bare_table()
    table.add_column("waiter", overflow="fold", min_width=8)
    across = holders if len(holders) <= most else [*holders[: most - 1], None]
    for holder in across:
        title = "others" if holder is None else _name(holder, names)
        table.add_column(plain(title), justify="right", overflow="fold", min_width=7)
    rows: defaultdict[int, defaultdict[int | None, float]] = defaultdict(lambda: defaultdict(float))
    for blame in blames:
        rows[blame.waiter][blame.holder if blame.holder in across else None] += blame.seconds
    for waiter in waiters[:_THREADS]:
        cells = [rows[waiter].get(holder) for holder in across]
        table.add_row(plain(_name(waiter, names)), *("-" if not cell else write(cell, "s") for cell in cells))
    if len(waiters) > _THREADS:
        table.add_row(plain(f"{len(waiters) - _THREADS} others wait less"))
    return table


def _by_seconds(blames: Sequence[Blame], side: str) -> list[int]:
    seconds: defaultdict[int, float] = defaultdict(float)
    for blame in blames:
        seconds[getattr(blame, side)] += blame.seconds
    return sorted(seconds, key=lambda tid: -seconds[tid])


def _name(tid: int, names: dict[int, str]) -> str:
    return names.get(tid, f"thread {tid}")


def _functions_table(shares: Sequence[Share]) -> Table:
    table = bare_table()
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("function", overflow="fold")
    for share in shares[:_FUNCTIONS]:
        table.add_row(f"{_percent(share.value)}%", plain(share.name))
    return table


def _calls_table(calls: Sequence[Call], duration: float) -> Table:
    table = bare_table()
    table.add_column("")
    for column in ("count", "rate", "time in it"):
        table.add_column(column, justify="right", no_wrap=True)
    ordered = sorted(calls, key=lambda call: -call.count)
    for call in ordered[:_CALLS]:
        rate = "-" if duration <= 0 else write(call.count / duration, "1/s")
        table.add_row(plain(call.name), str(call.count), rate, _seconds(call.seconds))
    if len(ordered) > _CALLS:
        rest = sum(call.count for call in ordered[_CALLS:])
        table.add_row(f"{len(ordered) - _CALLS} others", str(rest))
    return table


def _what_if_table(answer: WhatIf) -> Table:
    table = bare_table()
    for column in ("", "speed-up", "95 % interval"):
        table.add_column(column, justify="right" if column else "left", overflow="fold")
    table.add_row("at most", write(answer.bound, "x"))
    if answer.predicted is not None:
        cost = "slow-down of Python code not measured"
        if answer.one_thread_cost is not None:
            cost = f"Python code takes {write(answer.one_thread_cost, 'x')} as long"
        table.add_row(f"predicted ({cost})", write(answer.predicted, "x"))
    if answer.measured is not None:
        ends = ""
        if answer.measured_lo is not None and answer.measured_hi is not None:
            ends = f"{write(answer.measured_lo, '1')} to {write(answer.measured_hi, '1')}"
        where = f" on {answer.measured_on}" if answer.measured_on else ""
        table.add_row(plain(f"measured{where}"), write(answer.measured, "x"), ends)
    return table


def _costs_table(costs: Sequence[Share]) -> Table:
    table = bare_table()
    table.add_column("")
    table.add_column("", justify="right")
    for cost in costs:
        table.add_row(plain(cost.name), write(cost.value, "x"))
    return table


def _print_list(console: Console, title: str, lines: Sequence[str], style: str) -> None:
    if not lines:
        return
    console.print(Text(title, style=style))
    for line in lines:
        console.print(Padding(plain(line), (0, 0, 0, 2)))
    console.print()


def _bar(share: float) -> str:
    return _SOLID * max(1, round(share * _BAR))


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.1f}"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else write(seconds, "s")
