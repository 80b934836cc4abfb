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

FEWEST = 6
"""Values of which the smallest and the largest enclose the median with 95 %: all of six lie on one side by chance in
2 of 64 cases."""


def median_interval(values: Sequence[float]) -> Interval:
    """Give the median with the distribution-free interval of the sign test; without ends where values are too few.

    A value that is not known makes the figure unknown.
    """
    ranked, count = sorted(values), len(values)
    if not count or any(map(math.isnan, ranked)):
        return Interval(value=math.nan, lo=None, hi=None, blocks=count)
    if count < FEWEST:
        return Interval(value=median(ranked), lo=None, hi=None, blocks=count)
    outside, cut = 2.0 ** (1 - count), 0  # probability that the median lies beyond the outermost values
    while (more := outside + 2.0 ** (1 - count) * math.comb(count, cut + 1)) <= 1 - CONFIDENCE:
        outside, cut = more, cut + 1
    return Interval(value=median(ranked), lo=ranked[cut], hi=ranked[-1 - cut], blocks=count)
