"""Lasting changes in a history: their commits, whether they are for the better, and what else may have caused them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gilbench.analyse.stats.changes import find_changes
from gilbench.model.history import Entry, Found, Series


def lasting_changes(
    series: Series, studies: Sequence[Entry], at: NDArray[np.intp], values: NDArray[np.float64]
) -> Iterator[Found]:
    """Find the lasting changes of a series.

    Args:
        series: The series.
        studies: Studies in the order of their commits.
        at: Index of the study of each value, ascending, shape (n,).
        values: Values, shape (n,). Zero and infinity are omitted, since they have no logarithm.
    """
    usable = np.flatnonzero((values > 0) & (values < np.inf))
    for change in find_changes(np.log(values[usable])):
        good, likely, changed = (
            studies[at[usable[place]]] for place in (change.first - 1, change.at, change.last)
        )
        yield Found(
            series,
            change,
            good,
            likely,
            changed,
            _verdict(change.size, series.better),
            _other_causes(good, changed, series.reference),
        )


def _verdict(size: float, better: str) -> Literal["improved", "regressed", "changed"]:
    if better not in {"higher", "lower"}:
        return "changed"
    return "improved" if (size > 1) == (better == "higher") else "regressed"


def _other_causes(good: Entry, changed: Entry, reference: str | None) -> tuple[str, ...]:
    causes = {
        "the same commit on both sides": good.commit is not None and good.commit == changed.commit,
        "another host": good.host != changed.host,
        "another reference build": reference is not None and good.reference_build != changed.reference_build,
    }
    return tuple(cause for cause, holds in causes.items() if holds)
