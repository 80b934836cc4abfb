"""What the history knows of a figure that was taken again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gilbench.model import Cell, Header
    from gilbench.store.history import History
    from gilbench.store.history_tables import Entry

LATEST = 200  # studies in which a change is looked for


class Past(NamedTuple):
    """Values of one series that a new one can be held against, in the order of their commits."""

    values: tuple[float, ...]
    left_out: int  # studies of another CPU or another build of the reference, and the new study itself


def read_past(
    history: History, header: Header, cells: Sequence[Cell], digest: str, branch: str | None = None
) -> list[Past]:
    """Find what the history knows of each figure.

    Only studies of the same CPU model and the same build of the reference count: a ratio to another reference,
    or on another CPU, is another figure.

    Args:
        history: Where to look.
        header: Of the new study.
        cells: Its figures.
        digest: Of its file: it may have been added to the history already.
        branch: Only studies of this branch.

    Returns:
        One for each cell; with no value where it is new.
    """
    texts = {workload.name: workload.digest for workload in header.workloads}
    reference = header.plan.reference
    known = {
        (series.workload_digest, series.reference, *_place(series)): series
        for metric in {cell.metric for cell in cells}
        for series in history.series(metric=metric)
    }
    found = []
    for cell in cells:
        divisor = reference if cell.metric == "relative" else None
        series = known.get((texts.get(cell.workload, ""), divisor, *_place(cell)))
        points = history.latest(series, LATEST, branch) if series else []
        values = [
            point.value for entry, point in points if entry.digest != digest and _is_comparable(entry, header)
        ]
        found.append(Past(tuple(values), len(points) - len(values)))
    return found


def _place(figure: object) -> tuple[object, ...]:
    """What a series and a cell have in common."""
    names = (
        "workload",
        "interpreter",
        "threads",
        "parameters",
        "gil",
        "switch_interval",
        "cpus",
        "observers",
        "metric",
    )
    return tuple(getattr(figure, name) for name in names)


def _is_comparable(entry: Entry, header: Header) -> bool:
    """By what the history keeps of host and reference: a line of text for each."""
    builds = [one.build for one in header.interpreters if one.name == header.plan.reference]
    return entry.host.startswith(f"{header.host.cpu_model}, ") and all(
        f"({build.implementation} {build.version})" in entry.reference_build for build in builds
    )
