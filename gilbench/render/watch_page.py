"""The page of a watch: its time in a few rows, the groups of threads, and the events."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from gilbench.analyse.watch.condensed import condensed, longest_hold, mean
from gilbench.analyse.watch.totals import WatchTotals
from gilbench.model.metrics import write
from gilbench.model.watch import WatchEvent, WatchInterval, WatchLog
from gilbench.render.figures import SENTENCE, short
from gilbench.render.page import Column, Entry, Page, Part, Plot, Section, Sentences, Table

_ROWS = 24  # of the table of times
_POINTS = 120  # of the plot
_EVENTS = 30
_OF_GROUPS = {"gil_held": "fraction", "gil_wait": "fraction", "parked": "fraction", "cpus": "cores"}


def watch_page(log: WatchLog) -> Page:
    """Make the page of a file of a watch."""
    parts: tuple[Part, ...] = ()
    if log.intervals:
        parts = (_plot(log.intervals), _times(log.intervals), _groups(log.intervals))
    if log.events:
        items = tuple(_sentence(event) for event in log.events[-_EVENTS:])
        parts = (*parts, Sentences(f"Events (the last {len(items)} of {len(log.events)})", items))
    return Page(
        title="",
        lead=(_lead(log.intervals),),
        parts=parts,
        document={"kind": "watch", **msgspec.to_builtins(log)},
        rows=(_flat(one) for one in log.intervals),
    )


def _lead(intervals: Sequence[WatchInterval]) -> str:
    if not intervals:
        return "The watch saw no interval."
    seconds = sum(one.duration for one in intervals)
    processes = len({one.pid for one in intervals})
    of = "1 process" if processes == 1 else f"{processes} processes"
    cost, memory = mean(intervals, "cost"), max(one.memory for one in intervals)
    return (
        f"Watched {write(seconds, 's')} in {len(intervals)} intervals, {_clock(intervals[0].start)} to "
        f"{_clock(intervals[-1].start + intervals[-1].duration)}; {of}; the watch used "
        f"{_written(cost, 'fraction')} of a CPU and at most {write(memory, 'B')}."
    )


def _times(intervals: Sequence[WatchInterval]) -> Table:
    columns = (
        Column("from", "left", repeats=True),
        *map(
            Column, ("watched", "GIL\nheld", "GIL\nwait", "parked", "paused", "longest\nhold", "CPUs", "cost")
        ),
    )
    rows = tuple(
        (
            _clock(few[0].start),
            write(sum(one.duration for one in few), "s"),
            *(
                _written(mean(few, field), "fraction")
                for field in ("gil_held", "gil_wait", "parked", "paused")
            ),
            _written(longest_hold(few), "s"),
            _written(mean(few, "cpus"), "cores"),
            _written(mean(few, "cost"), "fraction"),
        )
        for few in condensed(intervals, _ROWS)
    )
    note = (
        "Shares are sums over the threads, relative to wall time. A longest hold is a lower bound: the longest one "
        "that contains two samples."
    )
    return Table("Over time", columns, (Section(rows),), (note,))


def _groups(intervals: Sequence[WatchInterval]) -> Table:
    totals = WatchTotals()
    for one in intervals:
        totals.add(one)
    rows: tuple[tuple[Entry, ...], ...] = tuple(
        (
            short(group.name, SENTENCE),
            *(
                _written(totals.share(getattr(group, figure), figure), unit)
                for figure, unit in _OF_GROUPS.items()
            ),
        )
        for group in sorted(
            totals.groups(), key=lambda group: -(group.gil_held + group.gil_wait + group.cpus)
        )
    )
    columns = (
        Column("threads", "left", folds=True),
        *map(Column, ("GIL held", "GIL wait", "parked", "CPUs")),
    )
    return Table("Threads", columns, (Section(rows),))


def _plot(intervals: Sequence[WatchInterval]) -> Plot:
    begin = intervals[0].start
    series = {}
    for field, name in (
        ("gil_held", "GIL held"),
        ("gil_wait", "GIL wait"),
        ("parked", "parked"),
        ("paused", "paused"),
    ):
        points = tuple(
            (few[0].start - begin, value)
            for few in condensed(intervals, _POINTS)
            if (value := mean(few, field)) is not None
        )
        if points:
            series[name] = points
    return Plot("Shares of wall time", series, ("s", "fraction"), from_zero=True)


def _written(value: float | None, unit: str) -> str:
    return "-" if value is None else write(value, unit)


def _flat(one: WatchInterval) -> dict[str, object]:
    fields: Callable[[WatchInterval], dict[str, object]] = msgspec.to_builtins
    return {name: value for name, value in fields(one).items() if name not in {"kind", "groups"}}


def _sentence(event: WatchEvent) -> str:
    return f"{_clock(event.at)} {short(event.text, SENTENCE)}"


def _clock(moment: float) -> str:
    """Write a moment in UTC, to the second."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(moment))
    except (OverflowError, ValueError, OSError):
        return "?"
