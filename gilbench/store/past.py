"""Finds the earlier values of results in the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gilbench.model.history import Entry
    from gilbench.model.results import Cell
    from gilbench.model.study import Header
    from gilbench.store.history import History

LATEST = 200  # number of studies that are searched for a change


class Past(NamedTuple):
    """The earlier values of one series, in the order of their commits."""

    values: tuple[float, ...]
    left_out: int  # excluded studies: with another CPU or another build of the reference, and the new study


def read_past(
    history: History, header: Header, cells: Sequence[Cell], digest: str, branch: str | None = None
) -> list[Past]:
    """Find the earlier values of each cell.

    Only studies with the same CPU model and the same build of the reference count: ratios to another reference, or on
    another CPU, are not comparable.

    Args:
        history: The history.
        header: Header of the new study.
        cells: Results of the new study.
        digest: Digest of the new study's file, which may be in the history already.
        branch: Only studies of this branch; None: all.

    Returns:
        One for each cell, without values if the series is new.
    """
    texts = {workload.name: workload.digest for workload in header.workloads}
    reference = header.plan.reference
    known = {
        (series.workload_digest, series.reference, series.metric, series.case): series
        for metric in {cell.metric for cell in cells}
        for series in history.series(metric=metric)
    }
    wanted = [
        known.get(
            (
                texts.get(cell.case.workload, ""),
                reference if cell.metric == "relative" else None,
                cell.metric,
                cell.case,
            )
        )
        for cell in cells
    ]
    studies = history.studies(branch)
    counts = np.array([entry.digest != digest and _is_comparable(entry, header) for entry in studies], bool)
    pasts = {}
    for found in history.figures([one for one in wanted if one], studies):
        latest = counts[found.at[-LATEST:]]
        values = found.rows["value"][-LATEST:][latest]
        pasts[found.series.id] = Past(tuple(values.tolist()), int((~latest).sum()))
    return [pasts[one.id] if one else Past((), 0) for one in wanted]


def _is_comparable(entry: Entry, header: Header) -> bool:
    """Compare host and reference with the descriptions in the history, one line of text each."""
    builds = [one.build for one in header.interpreters if one.name == header.plan.reference]
    return entry.host.startswith(f"{header.host.cpu_model}, ") and all(
        f"({build.implementation} {build.version})" in entry.reference_build for build in builds
    )
