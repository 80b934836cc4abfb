"""Medians with intervals that no disturbance of the host can make useless.

What a claim is about is tens of per cent or many times; what differs from process to process is a few per cent. What is
left to fear are moments in which the host takes a processor away, and those hit slices, not blocks. So where slices
were taken side by side, each pair of them counts, and the interval of their median is read off their order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from gilbench.analyse.estimates import CONFIDENCE, Interval
from gilbench.analyse.quantiles import Latencies


def median_interval(blocks: Sequence[Sequence[float]]) -> Interval:
    """Give the median of the slices of some blocks with its interval.

    There is no interval where slices are too few, as all below six are, or all of one block, which a single disturbance
    may have covered. A value that is not known makes the figure unknown.
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
    """Give the median of the ratios whose logs are given, likewise."""
    found = median_interval(logs)
    lo, hi = (None if end is None else math.exp(end) for end in (found.lo, found.hi))
    return Interval(value=math.exp(found.value), lo=lo, hi=hi, blocks=found.blocks)


def quantile_between(values: Latencies, share: float) -> Interval:
    """Give a percentile with the distribution-free interval that is read off the order of the values.

    How many of independent values lie below a percentile is binomial. Where an end would lie
    beyond the outermost value there is no interval.

    Args:
        values: None of them NaN, at least one.
        share: 0 to 1.
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
