"""Correlation between blocks, and its effect on the standard error of a mean.

Drift that both interpreters share cancels in the log-ratio of a block. Drift of the difference does not. Neighboring
blocks are then redundant, and a plain interval is too narrow: with AR(1) noise of 0.5 and 4 to 20 blocks, it covers 75
to 81% instead of 95%. One series of so few blocks cannot estimate its correlation, but all comparisons of a session
together can: the product of their likelihoods gives one correlation, which corrects each interval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

FloatArray = NDArray[np.float64]

GRID = np.linspace(0.0, 0.8, 9)
"""Candidate correlations. Negative ones would narrow the interval, and are never assumed."""
NO_DRIFT = 0.8
"""Prior weight of correlation 0, since every block starts new processes; the other correlations share the rest. A
larger weight leaves a small matrix uncorrected; a smaller one widens every single interval: see ``simulate``."""
SHORTEST = 3
"""Minimum number of blocks in a series to estimate a correlation: two blocks have only one difference."""
RESOLUTION = 1e-9
"""A smaller range of log-ratios is rounding: no clock resolves it."""


class Inflation(NamedTuple):
    """The effect of a correlation on the standard error of a mean: a factor, and the remaining degrees of freedom."""

    factor: FloatArray
    freedom: FloatArray


def inflation(correlation: float | FloatArray, blocks: int) -> Inflation:
    """Correct the standard error of a mean over AR(1) noise.

    The factor makes the squared error unbiased. The degrees of freedom match its variance (Satterthwaite 1946).

    Args:
        correlation: Lag-1 correlation of the noise, 0 to below 1, of any shape.
        blocks: Length of the series, at least 2.

    Returns:
        Factor and degrees of freedom, in the shape of ``correlation``; 1 and ``blocks - 1`` for correlation 0.
    """
    correlations = np.asarray(correlation, dtype=np.float64)
    if not correlations.any():  # needs no matrix
        return Inflation(np.ones(correlations.shape), np.full(correlations.shape, float(blocks - 1)))
    powers = correlations[..., None] ** np.arange(blocks)
    pairs = np.where(np.arange(blocks), 2 * (blocks - np.arange(blocks)), blocks)  # of blocks, by distance
    total = (pairs * powers).sum(axis=-1) / blocks
    sums = powers.cumsum(axis=-1)
    rows = sums + sums[..., ::-1] - 1  # of the correlation matrix R
    residual = blocks - total  # trace of MR, where M subtracts the mean
    trace = (pairs * powers**2).sum(axis=-1)  # of RR
    spread = trace - 2 * (rows**2).sum(axis=-1) / blocks + total**2
    return Inflation(factor=np.sqrt(total * (blocks - 1) / residual), freedom=residual**2 / spread)


def drift_correlation(series: Sequence[FloatArray]) -> FloatArray:
    """Estimate the lag-1 correlation that all series of a session share.

    It is the posterior mean over ``GRID`` of the product of the restricted likelihoods (Patterson and Thompson 1971).
    Each series has its own mean and variance.

    Args:
        series: One array of shape (..., blocks) per comparison, blocks in the order of time; leading axes are
            separate sessions. Series that are too short (``SHORTEST``), constant, or not finite are ignored.

    Returns:
        Correlation, 0 to 0.8, in the shape of the leading axes.
    """
    prior = np.full(GRID.size, (1 - NO_DRIFT) / (GRID.size - 1))
    prior[0] = NO_DRIFT
    evidence: FloatArray = np.log(prior)
    for values in series:
        if values.shape[-1] >= SHORTEST:
            evidence = evidence + _restricted_likelihood(values)
    weights = np.exp(evidence - evidence.max(axis=-1, keepdims=True))
    mean: FloatArray = np.asarray((weights * GRID).sum(axis=-1) / weights.sum(axis=-1))
    return mean


def _restricted_likelihood(values: FloatArray) -> FloatArray:
    """Return the log likelihood, shape (..., grid), of series (..., blocks) with unknown mean and variance."""
    blocks = values.shape[-1]
    finite = np.asarray(np.isfinite(values).all(axis=-1))
    values = np.where(finite[..., None], values, 0.0)
    tells = finite & (np.ptp(values, axis=-1) > RESOLUTION)
    centred = values - values.mean(axis=-1, keepdims=True)
    likelihood = np.zeros((*values.shape[:-1], GRID.size))
    for index, correlation in enumerate(GRID):
        # The inverse of the correlation matrix has three diagonals; these are the sums of its rows and of all of it.
        inner, outer = (1 - correlation) / (1 + correlation), 1 / (1 + correlation)
        total = 2 * outer + (blocks - 2) * inner
        weighted = inner * centred.sum(axis=-1) + (outer - inner) * (centred[..., 0] + centred[..., -1])
        residual = _inverse_product(centred, correlation) - weighted**2 / total
        determinant = (blocks - 1) * np.log1p(-(correlation**2)) + np.log(total)
        residual = np.where(tells, residual, 1.0)
        likelihood[..., index] = np.where(tells, -0.5 * (determinant + (blocks - 1) * np.log(residual)), 0.0)
    return likelihood


def _inverse_product(values: FloatArray, correlation: float) -> FloatArray:
    """Return the product of series (..., blocks), the inverse of their AR(1) correlation matrix, and the series."""
    squares = values**2
    inside = (1 + correlation**2) * squares.sum(axis=-1) - correlation**2 * (
        squares[..., 0] + squares[..., -1]
    )
    neighbors = (values[..., 1:] * values[..., :-1]).sum(axis=-1)
    product: FloatArray = (inside - 2 * correlation * neighbors) / (1 - correlation**2)
    return product
