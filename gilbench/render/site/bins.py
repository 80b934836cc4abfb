"""Joins neighboring studies of a long series, so that its drawing stays small."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LARGEST = 1e300  # larger values are not drawn, since sums of them would overflow


class Binned(NamedTuple):
    """Bins of neighboring values, oldest first; arrays of shape (bins,)."""

    size: int  # maximum number of values in a bin
    at: NDArray[np.float64]  # mean index of the values
    middle: NDArray[np.float64]  # median of the values
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    first: NDArray[np.intp]  # index of the first value


def binned(values: NDArray[np.float64], most: int) -> Binned:
    """Join neighboring values that can be drawn into bins of equal size; the first bin may be smaller.

    Args:
        values: Values, shape (n,).
        most: Maximum number of bins.
    """
    at = np.flatnonzero(values < LARGEST)
    size = max(1, -(-len(at) // most))
    missing = -len(at) % size
    # The first value stands for those that the first bin lacks.
    places = np.pad(at, (missing, 0), mode="edge").reshape(-1, size) if len(at) else at.reshape(0, 1)
    drawn = values[places]
    return Binned(
        size,
        places.mean(axis=1),
        np.median(drawn, axis=1),
        drawn.min(axis=1),
        drawn.max(axis=1),
        places[:, 0],
    )
