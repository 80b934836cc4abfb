"""Builds tables of values: sections of rows, with one unit per column and section."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from gilbench.model.results import Cell
from gilbench.plan.axes import variant
from gilbench.render.figures import case_name, with_intervals, without_intervals
from gilbench.render.page import Align, Column, Entry, Section, Shown, Table

Key = TypeVar("Key")


class Values(NamedTuple, Generic[Key]):
    """A column, and the function that writes its entries for the rows of one section."""

    column: Column
    entries: Callable[[Sequence[Key]], Sequence[Entry]]


class RowKey(NamedTuple):
    """The key of a row: everything in a case that can differ within one table."""

    name: str  # workload and parameters
    interpreter: str  # interpreter and values of the axes
    threads: int


Rows = Mapping[RowKey, Mapping[str, Cell]]  # by metric


def table_of(
    title: str,
    sections: Mapping[str, Sequence[Key]],
    columns: Sequence[Values[Key]],
    *notes: str,
) -> Table:
    """Make a table from the rows of each section, by the section's heading."""
    return Table(
        title,
        tuple(column for column, _ in columns),
        tuple(
            Section(tuple(zip(*(entries(keys) for _, entries in columns), strict=True)), heading)
            for heading, keys in sections.items()
        ),
        notes,
    )


def by_place(cells: Iterable[Cell]) -> Rows:
    """Group cells by their row."""
    rows: dict[RowKey, dict[str, Cell]] = {}
    for cell in cells:
        case = cell.case
        place = RowKey(case_name(case.workload, case.parameters), variant(case), case.threads)
        rows.setdefault(place, {})[cell.metric] = cell
    return rows


def by_workload(places: Iterable[RowKey]) -> dict[str, list[RowKey]]:
    """Group rows by workload, in the order of the workloads' first rows."""
    sections: dict[str, list[RowKey]] = {}
    for place in places:
        sections.setdefault(place.name, []).append(place)
    return sections


def labels(write: Callable[[Key], str], title: str = "") -> Values[Key]:
    """Return the first column, which labels the rows."""
    column = Column(title, "left", folds=True)
    return Values(column, lambda keys: [write(key) for key in keys])


def counts(title: str, write: Callable[[Key], str]) -> Values[Key]:
    """Return a column of counts, which distinguishes rows with the same label."""
    return Values(Column(title, repeats=True), lambda keys: [write(key) for key in keys])


def texts(
    title: str, write: Callable[[Key], Entry], align: Align = "right", shown: Shown = "always"
) -> Values[Key]:
    """Return a column of texts."""
    return Values(Column(title, align, shown), lambda keys: [write(key) for key in keys])


def values(
    title: str, find: Callable[[Key], Cell | None], shown: Shown = "always", *, intervals: bool = True
) -> Values[Key]:
    """Return a column of values."""
    write = with_intervals if intervals else without_intervals
    return Values(Column(title, shown=shown), lambda keys: write([find(key) for key in keys]))


def metrics(
    rows: Rows, columns: Mapping[str, str], shown: Shown = "always", *, intervals: bool = True
) -> Iterator[Values[RowKey]]:
    """Yield a column for each metric by title, except for metrics that no row has."""
    for title, metric in columns.items():
        if any(metric in found for found in rows.values()):
            yield values(
                title,
                lambda place, metric=metric: rows[place].get(metric),  # type: ignore[misc]
                shown,
                intervals=intervals,
            )


def threads() -> Values[RowKey]:
    """Return the column of thread counts."""
    return counts("threads", lambda place: str(place.threads))


def with_any(rows: Rows, names: Iterable[str]) -> Rows:
    """Return the rows with at least one of some metrics."""
    wanted = set(names)
    return {place: found for place, found in rows.items() if wanted & found.keys()}


INTERPRETER: Values[RowKey] = labels(lambda place: place.interpreter)
