"""The tables of threads: what each did, and whom it waited for. Many threads with names of one pattern are one row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from gilbench.analyse.profile.groups import Row, Rows, rows_of
from gilbench.model.metrics import scale_of, significant, write
from gilbench.model.profile import Blame, Profile, ProfiledThread
from gilbench.model.threads import sum_of
from gilbench.render.page import Column, Entry, Section, Shown, Table, Text

THREADS = 20  # rows; the last one is the sum of the others
_NARROW, _WIDE = 4, 10  # columns of holders; the last column is the sum of the others


class _ThreadColumn(NamedTuple):
    """One column of the threads."""

    column: Column
    write: Callable[[ProfiledThread, float], str]  # of a thread and the duration
    field: str = ""  # of a thread, by which rows can be sorted


def threads_table(
    profile: Profile, most: int, title: str, *, rows: Sequence[Row] | None = None, whole: str = "all threads"
) -> Table:
    """Return the table of threads.

    Args:
        profile: The profile.
        most: Maximum number of rows; the last row is the sum of the less busy threads.
        title: Title of the table.
        rows: Its rows in order; None: the top holders of the GIL and the top waiters in turn.
        whole: Label of the sum of all threads.
    """
    figures = _columns(profile)

    def row(name: Entry, thread: ProfiledThread) -> tuple[Entry, ...]:
        return (name, *(figure.write(thread, profile.duration) for figure in figures))

    ordered = list(in_order(rows_of(profile.threads).rows) if rows is None else rows)
    shown, rest = (ordered, []) if len(ordered) <= most else (ordered[: most - 1], ordered[most - 1 :])
    lines = [row(one.label, one.total) for one in shown]
    if rest:
        total = sum_of([one.total for one in rest])
        lines.append(row(f"{total.count} other{'s'[: total.count != 1]}", total))
    sections = [Section(tuple(lines))]
    if len(profile.threads) > 1:
        sections.append(Section((row(Text(whole, "strong"), sum_of(profile.threads)),)))
    label = Column("thread", "left", least=12, folds=True)
    columns = (label, *(figure.column for figure in figures))
    return Table(title, columns, tuple(sections), notes=tuple(_unnamed(ordered)))


def sortable(profile: Profile) -> dict[str, str]:
    """Return the titles of the columns by which rows can be sorted, by the field of a thread."""
    return {one.field: one.column.title.replace("\n", " ") for one in _columns(profile) if one.field}


def _columns(profile: Profile) -> tuple[_ThreadColumn, ...]:
    return _LOCKS if profile.process.gil_enabled is False else _GIL


def in_order(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the top holder, the top waiter, the second holder, and so on; then the others, by CPU time."""
    held = sorted(rows, key=lambda row: row.total.gil_held or 0.0, reverse=True)
    waited = sorted(rows, key=lambda row: row.total.gil_wait or 0.0, reverse=True)
    told: set[str] = set()
    for pair in zip_longest(
        (row for row in held if row.total.gil_held), (row for row in waited if row.total.gil_wait)
    ):
        for row in pair:
            if row is not None and row.label not in told:
                told.add(row.label)
                yield row
    rest = (row for row in rows if row.label not in told)
    yield from sorted(rest, key=lambda row: row.total.off_gil or row.total.cpu or 0.0, reverse=True)


def _unnamed(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if row.unnamed:
            yield (
                f"{row.label}: the names of {row.unnamed} are unknown, because they ended before they were read."
            )


def percent(share: float | None) -> str:
    """Write a share in percent, without the sign."""
    return "-" if share is None else f"{share * 100:.1f}"


def seconds(value: float | None) -> str:
    """Write a time."""
    return "-" if value is None else write(value, "s")


def rate(count: int | None, duration: float) -> str:
    """Write a rate per second."""
    return "-" if count is None or duration <= 0 else write(count / duration, "1")


_LIFE = (
    _ThreadColumn(
        Column("tid", shown="wide"), lambda thread, _: str(thread.tid) if thread.count == 1 else ""
    ),
    _ThreadColumn(Column("alive", shown="wide"), lambda thread, _: percent(thread.alive)),
)
_BLOCKED = _ThreadColumn(Column("blocked"), lambda thread, _: percent(thread.blocked), "blocked")
_GIL = (
    *_LIFE,
    _ThreadColumn(Column("GIL\nheld"), lambda thread, _: percent(thread.gil_held), "gil_held"),
    _ThreadColumn(Column("GIL\nwait"), lambda thread, _: percent(thread.gil_wait), "gil_wait"),
    _ThreadColumn(Column("on CPU,\nno GIL"), lambda thread, _: percent(thread.off_gil), "off_gil"),
    _BLOCKED,
    _ThreadColumn(Column("acquires/s"), lambda thread, duration: rate(thread.switches, duration), "switches"),
    _ThreadColumn(Column("longest\nhold"), lambda thread, _: seconds(thread.longest_hold), "longest_hold"),
    _ThreadColumn(Column("longest\nwait"), lambda thread, _: seconds(thread.longest_wait), "longest_wait"),
)
_LOCKS = (
    *_LIFE,
    _ThreadColumn(Column("parked"), lambda thread, _: percent(thread.gil_wait), "gil_wait"),
    _ThreadColumn(Column("on CPU"), lambda thread, _: percent(thread.off_gil), "off_gil"),
    _BLOCKED,
    _ThreadColumn(Column("longest\npark"), lambda thread, _: seconds(thread.longest_wait), "longest_wait"),
)


# --- who waited for whom --------------------------------------------------------------------------------


def blames_table(blames: Sequence[Blame], rows: Rows) -> Table | None:
    """Return the waiters as rows and the holders as columns, the longest times first, in one unit."""
    found = rows.blames(blames)
    if not found:
        return None
    waiters, columns = _by_seconds(found, "waiter"), _holder_columns(_by_seconds(found, "holder"), rows)
    times = {(blame.waiter, blame.holder): blame.seconds for blame in found}
    table = {
        waiter: [sum(times.get((waiter, holder), 0.0) for holder in holders) for holders in columns]
        for waiter in waiters[:THREADS]
    }
    most = max(value for values in table.values() for value in values)
    divisor, unit = scale_of(most, "s")
    digits = len(significant(most / divisor).partition(".")[2])
    entries = [
        (rows.rows[waiter].label, *(f"{value / divisor:.{digits}f}" if value else "-" for value in values))
        for waiter, values in table.items()
    ]
    more = len(waiters) - THREADS
    notes = (f"{more} other thread{'s'[: more != 1]} waited less.",) if more > 0 else ()
    title = f"GIL wait time in {unit.strip()} (by holder at start of wait)"
    label = Column("waiter", "left", least=8, folds=True)
    return Table(title, (label, *columns.values()), (Section(tuple(entries)),), notes)


def _holder_columns(holders: Sequence[int], rows: Rows) -> dict[tuple[int, ...], Column]:
    """Return columns by their holders. A wide terminal has more columns of a single holder."""
    narrow, wide = _grouped(holders, _NARROW), _grouped(holders, _WIDE)
    columns = {}
    for group in (*narrow, *wide):
        shown: Shown = (
            "always" if group in narrow and group in wide else "narrow" if group in narrow else "wide"
        )
        title = rows.rows[group[0]].label if len(group) == 1 else "others"
        columns[group] = Column(title, shown=shown, least=7, folds=True)
    return columns


def _grouped(holders: Sequence[int], most: int) -> list[tuple[int, ...]]:
    alone = len(holders) if len(holders) <= most else most - 1
    rest = tuple(holders[alone:])
    return [*((holder,) for holder in holders[:alone]), *((rest,) if rest else ())]


def _by_seconds(blames: Sequence[Blame], side: str) -> list[int]:
    times: defaultdict[int, float] = defaultdict(float)
    for blame in blames:
        times[getattr(blame, side)] += blame.seconds
    return sorted(times, key=lambda row: -times[row])
