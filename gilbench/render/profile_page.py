"""The page of a profile: which threads held the GIL or waited for it, and the speedup without it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from gilbench.analyse.profile.findings import WORTH, parked_by_kind, thread_names
from gilbench.model.metrics import scale_of, significant, write
from gilbench.model.profile import (
    SHORTEST,
    Blame,
    Bucket,
    Call,
    Parked,
    Profile,
    ProfiledThread,
    Replayed,
    WhatIf,
    document,
)
from gilbench.model.results import Caveat, Finding
from gilbench.model.study import Share
from gilbench.render.figures import cpus_name
from gilbench.render.page import Bar, Column, Entry, Page, Part, Section, Sentences, Shown, Table, Text

_THREADS = 20  # rows of threads, the busiest ones; the last row is the sum of the others
_FUNCTIONS = 10
_CALLS = 10
_NARROW, _WIDE = 4, 10  # columns of holders; the last column is the sum of the others
_SUMS = ("alive", "gil_held", "gil_wait", "off_gil", "blocked", "switches")
_LONGEST = ("longest_hold", "longest_wait")


class _ThreadColumn(NamedTuple):
    """One column of the threads."""

    column: Column
    write: Callable[[ProfiledThread, float], str]  # of a thread and the duration


def profile_page(profile: Profile) -> Page:
    """Make the page of a profile."""
    return Page(
        title=program(profile),
        lead=tuple(facts(profile)),
        parts=tuple(_parts(profile)),
        document=document(profile),
        rows=tuple(_row(thread) for thread in profile.threads),
    )


def program(profile: Profile) -> str:
    """The command of the program."""
    return " ".join(profile.process.command) or profile.process.executable


def facts(profile: Profile) -> Iterator[Entry]:
    """Lines below the command: process, duration, resources, probe."""
    process = profile.process
    parts = [f"PID {process.pid}", "Python" if process.version is None else f"Python {process.version}"]
    if process.free_threaded:
        gil = {True: ["GIL enabled"], False: ["GIL disabled"], None: []}[process.gil_enabled]
        parts += ["free-threaded", *gil]
    yield ", ".join(parts)
    yield ", ".join(_times(profile))
    if used := list(_resources(profile)):
        yield ", ".join(used)
    probe = profile.probe
    error = "" if probe.error is None else f", ±{write(probe.error, 'fraction')} (95% interval)"
    lost = f", {probe.lost} events lost" if probe.lost else ""
    reason = f"; {probe.reason}" if probe.reason else ""
    yield Text(f"Probe: {probe.name}{error}{lost}{reason}", "faint")


def _times(profile: Profile) -> Iterator[str]:
    process = profile.process
    duration = write(profile.duration, "s") if profile.duration >= SHORTEST else "less than 1 ms"
    without = f" (excluding {write(process.start_up, 's')} of startup)" if process.start_up else ""
    yield f"Profiled {duration}{without}"
    if process.status is not None:
        yield f"ended by signal {-process.status}" if process.status < 0 else f"exit status {process.status}"


def _resources(profile: Profile) -> Iterator[str]:
    process = profile.process
    if process.cpu is not None:
        cpus = f" ({process.cpu / _counted(profile):.2f} CPUs)" if profile.duration >= SHORTEST else ""
        yield f"CPU time {write(process.cpu, 's')}{cpus}"
    if process.memory_peak is not None:
        yield f"peak memory {write(process.memory_peak, 'B')}"
    if process.voluntary_switches is not None and process.involuntary_switches is not None:
        yield (
            f"{process.voluntary_switches} voluntary and {process.involuntary_switches} involuntary "
            "context switches"
        )


def _counted(profile: Profile) -> float:
    """Return the seconds in which CPU time and system calls are counted, from the start of the process."""
    return profile.duration + (profile.process.start_up or 0.0)


def _parts(profile: Profile) -> Iterator[Part]:
    if profile.duration >= SHORTEST:
        yield from _tables(profile)
    if profile.findings:
        yield Sentences("Findings", tuple(map(_sentence, profile.findings)))
    if profile.caveats:
        yield Sentences("Not observed", tuple(map(_sentence, profile.caveats)), tone="warning")


def _sentence(told: Finding | Caveat) -> str:
    stop = "" if told.text.endswith(".") else "."
    return f"{told.text}{stop} {told.next}" if told.next else told.text


def _tables(profile: Profile) -> Iterator[Table]:
    names = thread_names(profile.threads)
    locks = profile.process.gil_enabled is False
    if profile.threads:
        yield threads_table(profile, _THREADS, "Threads (% of wall time)")
    if locks and (kinds := parked_by_kind(profile.threads)):
        yield _parked_table(kinds)
    if buckets := _all_waits(profile.threads):
        yield _waits_table("Parked (by length)" if locks else "GIL waits (by length)", buckets)
    if profile.blames:
        yield _blames_table(profile.blames, names)
    if profile.functions:
        title, share = ("Parking functions", "parked time") if locks else ("GIL-holding functions", "samples")
        yield _functions_table(title, share, profile.functions)
    if profile.syscalls:
        yield _calls_table(profile.syscalls, _counted(profile))
    if profile.what_if is not None:
        yield _what_if_table(profile.what_if)
        if profile.what_if.curve:
            yield _replay_table(profile.what_if.curve)
    if profile.costs:
        title = "Observer overhead (observed / unobserved time)"
        yield _table(title, _columns("", ""), [(cost.name, write(cost.value, "x")) for cost in profile.costs])


def _columns(label: str, *others: str) -> tuple[Column, ...]:
    return (Column(label, "left", folds=True), *map(Column, others))


def _table(title: str, columns: Sequence[Column], rows: Sequence[tuple[Entry, ...]]) -> Table:
    return Table(title, tuple(columns), (Section(tuple(rows)),))


# --- threads --------------------------------------------------------------------------------------------


def threads_table(profile: Profile, most: int, title: str) -> Table:
    """Return the table of threads.

    Args:
        profile: The profile.
        most: Maximum number of rows; the last row is the sum of the less busy threads.
        title: Title of the table.
    """
    threads, names = profile.threads, thread_names(profile.threads)
    several = len({thread.pid for thread in threads}) > 1
    figures = _LOCKS if profile.process.gil_enabled is False else _GIL

    def row(name: Entry, thread: ProfiledThread) -> tuple[Entry, ...]:
        return (name, *(figure.write(thread, profile.duration) for figure in figures))

    busiest = sorted(threads, key=_activity, reverse=True)
    shown, rest = (busiest, []) if len(busiest) <= most else (busiest[: most - 1], busiest[most - 1 :])
    rows = [
        row(f"{names[thread.tid]} [{thread.pid}]" if several else names[thread.tid], thread)
        for thread in sorted(shown, key=threads.index)
    ]
    if rest:
        rows.append(row(f"{len(rest)} other{'s'[: len(rest) != 1]}", _sum(rest)))
    sections = [Section(tuple(rows))]
    if len(threads) > 1:
        sections.append(Section((row(Text("all threads", "strong"), _sum(threads)),)))
    label = Column("thread", "left", least=12, folds=True)
    return Table(title, (label, *(figure.column for figure in figures)), tuple(sections))


def _activity(thread: ProfiledThread) -> float:
    return sum(share or 0.0 for share in (thread.gil_held, thread.gil_wait, thread.off_gil))


def _sum(threads: Sequence[ProfiledThread]) -> ProfiledThread:
    """Combine several threads into one: sums of shares and counts, and the longest times of all."""
    fields: dict[str, Any] = {}
    for name in _SUMS:
        values = [getattr(thread, name) for thread in threads]
        fields[name] = None if None in values else sum(values)
    for name in _LONGEST:
        known = (value for thread in threads if (value := getattr(thread, name)) is not None)
        fields[name] = max(known, default=None)
    return ProfiledThread(pid=0, tid=0, name=None, **fields)


def _row(thread: ProfiledThread) -> dict[str, Any]:
    names = (name for name in thread.__struct_fields__ if name not in {"waits", "parked"})
    return {name: getattr(thread, name) for name in names}


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.1f}"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else write(seconds, "s")


def _rate(count: int | None, duration: float) -> str:
    return "-" if count is None or duration <= 0 else write(count / duration, "1")


_LIFE = (
    _ThreadColumn(Column("tid", shown="wide"), lambda thread, _: str(thread.tid or "")),
    _ThreadColumn(Column("alive", shown="wide"), lambda thread, _: _percent(thread.alive)),
)
_BLOCKED = _ThreadColumn(Column("blocked"), lambda thread, _: _percent(thread.blocked))
_GIL = (
    *_LIFE,
    _ThreadColumn(Column("GIL\nheld"), lambda thread, _: _percent(thread.gil_held)),
    _ThreadColumn(Column("GIL\nwait"), lambda thread, _: _percent(thread.gil_wait)),
    _ThreadColumn(Column("on CPU,\nno GIL"), lambda thread, _: _percent(thread.off_gil)),
    _BLOCKED,
    _ThreadColumn(Column("acquires/s"), lambda thread, duration: _rate(thread.switches, duration)),
    _ThreadColumn(Column("longest\nhold"), lambda thread, _: _seconds(thread.longest_hold)),
    _ThreadColumn(Column("longest\nwait"), lambda thread, _: _seconds(thread.longest_wait)),
)
_LOCKS = (
    *_LIFE,
    _ThreadColumn(Column("parked"), lambda thread, _: _percent(thread.gil_wait)),
    _ThreadColumn(Column("on CPU"), lambda thread, _: _percent(thread.off_gil)),
    _BLOCKED,
    _ThreadColumn(Column("longest\npark"), lambda thread, _: _seconds(thread.longest_wait)),
)


# --- waits ----------------------------------------------------------------------------------------------


def _parked_table(kinds: Sequence[Parked]) -> Table:
    rows = [
        (kind.kind, write(kind.seconds, "s"), str(kind.count), write(kind.longest, "s")) for kind in kinds
    ]
    return _table("Parked (by kind of lock)", _columns("lock", "time", "park count", "longest"), rows)


def _all_waits(threads: Sequence[ProfiledThread]) -> list[Bucket]:
    counts: defaultdict[tuple[float, float], int] = defaultdict(int)
    for bucket in (bucket for thread in threads for bucket in thread.waits):
        counts[bucket.lo, bucket.hi] += bucket.count
    return [Bucket(lo=lo, hi=hi, count=count) for (lo, hi), count in sorted(counts.items()) if count]


def _waits_table(title: str, buckets: Sequence[Bucket]) -> Table:
    # The first bucket counts acquires without a wait, which outnumber all waits, so it has no bar.
    most = max((bucket.count for bucket in buckets if bucket.lo), default=1)
    rows: list[tuple[Entry, ...]] = []
    for bucket in buckets:
        hi = write(bucket.hi, "s")
        limits = f"{write(bucket.lo, 's')} to {hi}" if bucket.lo else f"less than {hi}"
        rows.append((limits, str(bucket.count), Bar(bucket.count / most) if bucket.lo else ""))
    return _table(title, (Column("length"), Column("count"), Column("", "left")), rows)


def _blames_table(blames: Sequence[Blame], names: dict[int, str]) -> Table:
    """Return the waiters as rows and the holders as columns, the longest times first, in one unit."""
    waiters, columns = _by_seconds(blames, "waiter"), _holder_columns(_by_seconds(blames, "holder"), names)
    seconds: defaultdict[tuple[int, int], float] = defaultdict(float)
    for blame in blames:
        seconds[blame.waiter, blame.holder] += blame.seconds
    table = {
        waiter: [sum(seconds.get((waiter, holder), 0.0) for holder in holders) for holders in columns]
        for waiter in waiters[:_THREADS]
    }
    most = max(value for values in table.values() for value in values)
    divisor, unit = scale_of(most, "s")
    digits = len(significant(most / divisor).partition(".")[2])
    rows = [
        (_name(waiter, names), *(f"{value / divisor:.{digits}f}" if value else "-" for value in values))
        for waiter, values in table.items()
    ]
    more = len(waiters) - _THREADS
    notes = (f"{more} other thread{'s'[: more != 1]} waited less.",) if more > 0 else ()
    title = f"GIL wait time in {unit.strip()} (by holder at start of wait)"
    label = Column("waiter", "left", least=8, folds=True)
    return _table(title, (label, *columns.values()), rows)._replace(notes=notes)


def _holder_columns(holders: Sequence[int], names: dict[int, str]) -> dict[tuple[int, ...], Column]:
    """Return columns by their holders. A wide terminal has more columns of a single holder."""
    narrow, wide = _grouped(holders, _NARROW), _grouped(holders, _WIDE)
    columns = {}
    for group in (*narrow, *wide):
        shown: Shown = (
            "always" if group in narrow and group in wide else "narrow" if group in narrow else "wide"
        )
        title = _name(group[0], names) if len(group) == 1 else "others"
        columns[group] = Column(title, shown=shown, least=7, folds=True)
    return columns


def _grouped(holders: Sequence[int], most: int) -> list[tuple[int, ...]]:
    alone = len(holders) if len(holders) <= most else most - 1
    rest = tuple(holders[alone:])
    return [*((holder,) for holder in holders[:alone]), *((rest,) if rest else ())]


def _name(tid: int, names: dict[int, str]) -> str:
    return names.get(tid, f"thread {tid}")


def _by_seconds(blames: Sequence[Blame], side: str) -> list[int]:
    seconds: defaultdict[int, float] = defaultdict(float)
    for blame in blames:
        seconds[getattr(blame, side)] += blame.seconds
    return sorted(seconds, key=lambda tid: -seconds[tid])


# --- the program ----------------------------------------------------------------------------------------


def _functions_table(title: str, share: str, functions: Sequence[Share]) -> Table:
    rows = [(function.name, f"{_percent(function.value)}%") for function in functions[:_FUNCTIONS]]
    return _table(title, _columns("function", share), rows)


def _calls_table(calls: Sequence[Call], duration: float) -> Table:
    ordered = sorted(calls, key=lambda call: -call.count)
    rest = ordered[_CALLS:]
    rows = [
        (call.name, str(call.count), _rate(call.count, duration), _seconds(call.seconds))
        for call in ordered[:_CALLS]
    ]
    if rest:
        count = sum(call.count for call in rest)
        rows.append((f"{len(rest)} other{'s'[: len(rest) != 1]}", str(count), _rate(count, duration), ""))
    return _table("System calls", _columns("call", "count", "calls/s", "wall time"), rows)


def _what_if_table(answer: WhatIf) -> Table:
    rows = [("at most", write(answer.bound, "x"), "")]
    notes: tuple[str, ...] = ()
    if answer.predicted is not None:
        rows.append(("predicted", write(answer.predicted, "x"), ""))
        cost = "excludes the unmeasured cost of a free-threaded build"
        if answer.one_thread_cost is not None:
            cost = (
                f"Python code takes {write(answer.one_thread_cost, 'x')} as long on the free-threaded build"
            )
        notes = (f"Prediction: {cost}.",)
        if not answer.curve and answer.bound >= WORTH:
            notes += ("For the speedup on more CPUs, record the program: gilbench profile --replay",)
    if answer.measured is not None:
        ends = ""
        if answer.measured_lo is not None and answer.measured_hi is not None:
            ends = f"{write(answer.measured_lo, 'x')} to {write(answer.measured_hi, 'x')}"
        where = f" on {answer.measured_on}" if answer.measured_on else ""
        rows.append((f"measured{where}", write(answer.measured, "x"), ends))
    columns = _columns("", "speedup", "95% interval")[: 2 if answer.measured is None else 3]
    table = _table(
        f"Without the GIL ({cpus_name(answer.cores)})", columns, [row[: len(columns)] for row in rows]
    )
    return table._replace(notes=notes)


def _replay_table(curve: Sequence[Replayed]) -> Table:
    most = max(point.speedup for point in curve)
    rows: list[tuple[Entry, ...]] = [
        (str(point.cores), write(point.speedup, "x"), Bar(point.speedup / most)) for point in curve
    ]
    return _table("Replay without the GIL", (Column("CPUs"), Column("speedup"), Column("", "left")), rows)
