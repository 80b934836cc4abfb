"""Medians with intervals that are robust against disturbances of the host.

Claims are about effects of tens of percent or more, while processes differ by a few percent. The remaining risk is
preemption by the host, which affects slices, not blocks. Every pair of neighboring slices is therefore a sample, and
the interval of the median is based on the order of the samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from gilbench.analyse.stats.estimates import CONFIDENCE, Interval
from gilbench.analyse.stats.quantiles import Latencies


def median_interval(blocks: Sequence[Sequence[float]]) -> Interval:
    """Return the median of the slices of some blocks with its interval.

    There is no interval for fewer than six slices, or for slices of one block only, since one disturbance may have
    affected all of them. If a value is unknown, the median is unknown.
    """
    values = [value for block in blocks for value in block]
    if any(map(math.isnan, values)) or not values:
        return Interval(value=math.nan, lo=None, hi=None, blocks=len(blocks))
    found = quantile_between(Latencies(values), 0.5)
    several = len(blocks) > 1
    return Interval(
        value=median(values),
        lo=found.lo if several else None,
        hi=found.hi if several else None,
        blocks=len(blocks),
    )


def median_ratio(logs: Sequence[Sequence[float]]) -> Interval:
    """Return the median of ratios with its interval, from the logs of the ratios, as ``median_interval`` does."""
    found = median_interval(logs)
    lo, hi = (None if end is None else math.exp(end) for end in (found.lo, found.hi))
    return Interval(value=math.exp(found.value), lo=lo, hi=hi, blocks=found.blocks)


def quantile_between(values: Latencies, share: float) -> Interval:
    """Return a percentile with its distribution-free interval, based on the order of the values.

    The number of independent values below a percentile is binomial. There is no interval if one end would be beyond
    the smallest or largest value.

    Args:
        values: At least one value; none is NaN.
        share: 0 to 1, for example 0.99.
    """
    from scipy.stats import binom  # noqa: PLC0415 - scipy is slow to import

    ranked, count = values.ranked(), values.total
    below, above = (int(binom.ppf(end, count, share)) for end in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    bounded = below >= 1 and above < count
    return Interval(
        value=ranked.at(min(count - 1, math.ceil(share * count) - 1)),
        lo=ranked.at(below - 1) if bounded else None,
        hi=ranked.at(above) if bounded else None,
        blocks=count,
    )
