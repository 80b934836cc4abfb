"""The tables of a profile beside those of threads: waits by length, functions, system calls, and the speedup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from gilbench.analyse.profile.blocked import Blockings
from gilbench.analyse.profile.findings import WORTH
from gilbench.model.metrics import write
from gilbench.model.profile import Bucket, Call, ObserverCost, Parked, Replayed, Stack, WhatIf
from gilbench.model.study import Share
from gilbench.render.figures import cpus_name
from gilbench.render.page import Bar, Column, Entry, Section, Table
from gilbench.render.profile_threads import percent, rate, seconds

_FUNCTIONS = 10
_CALLS = 10
_SLEEPS = 20
_HOLDERS = 4
_ENDLESS = 1e9  # s; a bucket that ends later has no end


def parked_table(kinds: Sequence[Parked]) -> Table:
    """Return the parked time by kind of lock."""
    rows = [
        (kind.kind, write(kind.seconds, "s"), str(kind.count), write(kind.longest, "s")) for kind in kinds
    ]
    return _table("Parked (by kind of lock)", _columns("lock", "time", "park count", "longest"), rows)


def waits_table(title: str, buckets: Sequence[Bucket]) -> Table:
    """Return a histogram of waits."""
    # The first bucket counts acquires without a wait, which outnumber all waits, so it has no bar.
    most = max((bucket.count for bucket in buckets if bucket.lo), default=1)
    rows: list[tuple[Entry, ...]] = [
        (bucket_limits(bucket), str(bucket.count), Bar(bucket.count / most) if bucket.lo else "")
        for bucket in buckets
    ]
    return _table(title, (Column("length"), Column("count"), Column("", "left")), rows)


def bucket_limits(bucket: Bucket) -> str:
    """Write the bounds of a bucket."""
    lo, hi = write(bucket.lo, "s"), write(bucket.hi, "s")
    if bucket.hi >= _ENDLESS:
        return f"{lo} or longer"
    return f"{lo} to {hi}" if bucket.lo else f"less than {hi}"


def functions_table(title: str, share: str, functions: Sequence[Share]) -> Table:
    """Return the top functions."""
    rows = [(function.name, f"{percent(function.value)}%") for function in functions[:_FUNCTIONS]]
    return _table(title, _columns("function", share), rows)


def blocked_table(sleeps: Blockings) -> Table:
    """Return in which functions threads sleep, and on what."""
    shown = sleeps.rows[:_SLEEPS]
    rows = [(one.label, one.waits_for, one.function or "unknown", percent(one.share)) for one in shown]
    notes = [
        f"lock {number}, while threads waited for it: held by {_shares_of(sleeps.holders[number])}."
        for number in dict.fromkeys(one.lock for one in shown)
        if number in sleeps.holders
    ]
    more = len(sleeps.rows) - _SLEEPS
    if more > 0:
        notes.append(f"{more} more row{'s'[: more != 1]} with smaller shares.")
    columns = (
        Column("thread", "left", least=12, folds=True),
        Column("waits for", "left"),
        Column("in", "left", least=16, folds=True),
        Column("blocked"),
    )
    return Table("Blocked (% of wall time, sampled)", columns, (Section(tuple(rows)),), tuple(notes))


def _shares_of(holders: Mapping[str, float]) -> str:
    ordered = sorted(holders.items(), key=lambda item: -item[1])
    return ", ".join(f"{label} {share:.0%}" for label, share in ordered[:_HOLDERS])


def innermost(stacks: Sequence[Stack]) -> list[Share]:
    """Sum stacks up by their innermost function, the most samples first."""
    counts: Counter[str] = Counter()
    for stack in stacks:
        counts[stack.frames[-1]] += stack.samples
    return [Share(name=name, value=count / counts.total()) for name, count in counts.most_common()]


def calls_table(calls: Sequence[Call], duration: float) -> Table:
    """Return the most frequent system calls; ``duration`` is the s in which they were counted."""
    ordered = sorted(calls, key=lambda call: -call.count)
    rest = ordered[_CALLS:]
    rows = [
        (call.name, str(call.count), rate(call.count, duration), seconds(call.seconds))
        for call in ordered[:_CALLS]
    ]
    if rest:
        count = sum(call.count for call in rest)
        rows.append((f"{len(rest)} other{'s'[: len(rest) != 1]}", str(count), rate(count, duration), ""))
    return _table("System calls", _columns("call", "count", "calls/s", "wall time"), rows)


def what_if_table(answer: WhatIf) -> Table:
    """Return the speedup without a GIL."""
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


def replay_table(curve: Sequence[Replayed]) -> Table:
    """Return the speedups of a recorded program by number of CPUs."""
    most = max(point.speedup for point in curve)
    rows: list[tuple[Entry, ...]] = [
        (str(point.cores), write(point.speedup, "x"), Bar(point.speedup / most)) for point in curve
    ]
    return _table("Replay without the GIL", (Column("CPUs"), Column("speedup"), Column("", "left")), rows)


def observers_table(observers: Sequence[ObserverCost]) -> Table:
    """Return the CPU time that each observer used."""
    rows: list[tuple[Entry, ...]] = [
        (one.observer, percent(one.cpu), "" if one.rate is None else f"{one.rate} samples/s")
        for one in observers
    ]
    columns = _columns("", "of one CPU", "slowed down to")
    if not any(one.rate for one in observers):
        rows, columns = [row[:2] for row in rows], columns[:2]
    return _table("CPU time of observers", columns, rows)


def costs_table(costs: Sequence[Share]) -> Table:
    """Return the overhead of the observers."""
    title = "Observer overhead (observed / unobserved time)"
    return _table(title, _columns("", ""), [(cost.name, write(cost.value, "x")) for cost in costs])


def _columns(label: str, *others: str) -> tuple[Column, ...]:
    return (Column(label, "left", folds=True), *map(Column, others))


def _table(title: str, columns: Sequence[Column], rows: Sequence[tuple[Entry, ...]]) -> Table:
    return Table(title, tuple(columns), (Section(tuple(rows)),))
