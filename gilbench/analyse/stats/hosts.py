"""Estimates over hosts: the host is a random factor, so it is the statistical unit.

The blocks of a host have its CPU, its kernel, and its build in common. More blocks on it do not show how other hosts
differ. Each host is therefore reduced to one value, the center over its blocks. A value over hosts is the plain mean of
these, with Student's t over hosts. It is not trimmed, since a trimmed mean over two kinds of host estimates neither
kind nor their mean. It is not weighted by blocks either: weights would prefer the hosts that happened to be fast.

``simulate_hosts`` measures the coverage.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gilbench.analyse.stats.drift import RESOLUTION, FloatArray
from gilbench.analyse.stats.estimates import Estimate, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gilbench.analyse.stats.estimates import Doubt

MINIMUM_HOSTS = 3
"""Minimum number of hosts of a verdict: two hosts are the same kind by chance too often."""
_OF_ANY_HOST: frozenset[Doubt] = frozenset({"unpaired", "other host", "busy host"})
"""Doubts that more hosts do not remove. The others are of the error of one host, which is not used."""


class Spread(NamedTuple):
    """The standard deviation between hosts, without what the variation between blocks explains, and its interval.

    It is on the scale of the estimates. ``p`` is of the hypothesis that hosts do not differ.
    """

    sd: float
    lo: float
    hi: float
    p: float


def mean_over_hosts(values: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Estimate the mean of at least 2 hosts, which are the last axis.

    Returns:
        Mean, standard error, and degrees of freedom of the error.
    """
    hosts = values.shape[-1]
    return values.mean(axis=-1), values.std(axis=-1, ddof=1) / math.sqrt(hosts), hosts - 1.0


def over_hosts(estimates: Sequence[Estimate]) -> Estimate:
    """Estimate the mean over hosts from the estimate of each host.

    Args:
        estimates: One per host, at least one, on the same scale.

    Returns:
        The estimate; its ``blocks`` are hosts. With fewer than three, it is in doubt.
    """
    hosts, scale = len(estimates), estimates[0].scale
    values = np.array([one.value for one in estimates])
    if not np.isfinite(values).all():
        return unknown(hosts, "values that are not finite", scale)
    if hosts < 2:  # noqa: PLR2004 - one host has no spread
        return unknown(hosts, "too few hosts", scale, value=float(values[0]))
    mean, error, freedom = mean_over_hosts(values)
    doubt: Doubt | None = next((one.doubt for one in estimates if one.doubt in _OF_ANY_HOST), None)
    if doubt is None and hosts < MINIMUM_HOSTS:
        doubt = "too few hosts"
    if np.ptp(values) <= RESOLUTION:
        if all(one.error > 0 for one in estimates):
            # Fractions, such as 20 of 20, can be equal by luck: then each host is as unsure as its blocks are.
            error, freedom = np.max([one.error for one in estimates]), min(one.freedom for one in estimates)
        else:
            doubt = doubt or "zero variance"
    return Estimate(
        value=float(mean),
        error=float(error),
        freedom=float(freedom),
        blocks=hosts,
        scale=scale,
        doubt=doubt,
        looks=max(one.looks for one in estimates),
    )


def spread(estimates: Sequence[Estimate], confidence: float = 0.95) -> Spread | None:
    """Estimate how much hosts differ beyond what their blocks explain.

    The variance of the hosts' values is that between hosts plus the mean squared error of the values, which their
    blocks give. The ratio of both has an F distribution if hosts do not differ. The interval follows from the same
    ratio (Thomas and Hultquist 1978); the degrees of freedom of the mean squared error are Satterthwaite's (1946).

    Args:
        estimates: One per host.
        confidence: Confidence level of the interval.

    Returns:
        The spread; None with fewer than three hosts, or if the error of a host is unknown.
    """
    from scipy.special import fdtrc, fdtri  # noqa: PLC0415 - scipy is slow to import

    hosts = len(estimates)
    values = np.array([one.value for one in estimates])
    squares = np.array([one.error**2 for one in estimates])
    freedom = np.array([one.freedom for one in estimates])
    if hosts < MINIMUM_HOSTS or not (np.isfinite(values).all() and (squares > 0).all()):
        return None
    within = float(squares.mean())
    known = float(squares.sum() ** 2 / (squares**2 / freedom).sum())
    total = float(values.var(ddof=1))
    high, low = (float(fdtri(hosts - 1, known, (1 + side * confidence) / 2)) for side in (1, -1))
    return Spread(
        sd=math.sqrt(max(0.0, total - within)),
        lo=math.sqrt(max(0.0, total / high - within)),
        hi=math.sqrt(max(0.0, total / low - within)),
        p=float(fdtrc(hosts - 1, known, total / within)),
    )


def kinds_differ(kinds: Sequence[Sequence[float]]) -> float:
    """Return the p-value of the hypothesis that all kinds of host have the same mean (Welch 1951).

    Args:
        kinds: The values of the hosts of each kind. Kinds with one host are ignored, since they do not show how much
            hosts of a kind differ.

    Returns:
        NaN with fewer than two other kinds, or if a value is not finite.
    """
    from scipy.special import fdtrc  # noqa: PLC0415 - scipy is slow to import

    groups = [np.asarray(values, dtype=np.float64) for values in kinds if len(values) > 1]
    if len(groups) < 2 or not all(np.isfinite(group).all() for group in groups):  # noqa: PLR2004 - one kind differs from nothing
        return math.nan
    count = len(groups)
    sizes = np.array([group.size for group in groups])
    weights = sizes / np.array([max(float(group.var(ddof=1)), RESOLUTION**2) for group in groups])
    means = np.array([group.mean() for group in groups])
    centre = (weights * means).sum() / weights.sum()
    parts = float((((1 - weights / weights.sum()) ** 2) / (sizes - 1)).sum())
    between = float((weights * (means - centre) ** 2).sum()) / (count - 1)
    ratio = between / (1 + 2 * (count - 2) / (count**2 - 1) * parts)
    return float(fdtrc(count - 1, (count**2 - 1) / (3 * parts), ratio))
