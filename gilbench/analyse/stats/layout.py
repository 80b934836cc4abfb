"""Allows for code layout in the comparison of two builds.

Two builds of the same source differ in speed. The order of linking and the size of whatever comes first decide at which
addresses functions start, and so how branches are predicted and how code shares caches (Mytkowicz et al. 2009). A
comparison of two binaries therefore has an error that no number of runs reduces: the layout is drawn once per build,
not once per process (Curtsinger and Berger 2013). Whether *this binary* is slower has no such error. Whether the
*change of the code* made it slower has.

The table is from 2000 simulated checks per row: 30 workloads, 10 blocks, noise between processes, threshold 2%, false
discovery rate 5%. Workloads differ in their sensitivity to layout (log-normal, sigma 0.5). It shows, in percent, checks
with a false verdict if nothing but the layout changed, the coverage of the 95% interval, and the power for one workload
that lost 5% and 10%. The verdicts ignore layout, allow for its true standard deviation, or allow for 1.8%:

===========  =======================  ========================  ===============
sd between   false verdicts           coverage                  power, 5% / 10%
layouts      ignored, true, 1.8%      ignored, true, 1.8%       true
===========  =======================  ========================  ===============
0.5%         1.4, 0.4, 0.0            85.2, 96.5, 100.0         20 / 100
1%           25.8, 1.5, 0.0           70.0, 96.8, 99.7          0.6 / 86
1.8%         83.0, 2.4, 2.4           51.5, 96.9, 96.9          0.1 / 3.5
2.5%         98.1, 2.9, 9.4           41.0, 97.0, 92.4          0.1 / 0.5
===========  =======================  ========================  ===============

With a standard deviation of 1.8%, the interval of one pair of builds is at least 6.2% wide on each side. No row is then
equivalent with a threshold of 2%.

``ci/bench.py layout`` measures the constants, on builds of ``ci/make-layouts``.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from gilbench.analyse.stats.drift import FloatArray
from gilbench.analyse.stats.estimates import Estimate

# Measured by ``ci/bench.py layout`` (4 layouts of CPython 3.13.5 built with -O3, 14 workloads, 16 blocks) on a 2-core
# virtual machine with an AMD EPYC on 2026-11-26: 1.8% (1.2 to 3.9%), shared 0, freedom 4.9. The largest effects were
# 5.2% (list_sort), 2.7% (method_calls), and 2.5% (exceptions). A freedom of 5 would cover 97.4% in the simulation.
LAYOUT_SD = 0.018
"""Standard deviation between layouts of one source, of the log of a time; the root mean square over workloads."""
LAYOUT_SHARED = 0.0
"""Fraction of that variance that all workloads have in common: the rest averages out in the mean of a family."""
LAYOUT_FREEDOM = 6.0
"""Degrees of freedom of one workload's layout effect: workloads differ in their sensitivity, which makes the effect of
a workload Student's t rather than normal."""


def allow_for_layout(error: FloatArray, freedom: FloatArray, sd: float) -> tuple[FloatArray, FloatArray]:
    """Add the effect of two different layouts to the error of a comparison.

    Args:
        error: Standard error of the log-ratio of two binaries, of any shape.
        freedom: Its degrees of freedom, same shape.
        sd: Standard deviation between layouts, on the log scale; 0 adds nothing.

    Returns:
        Standard error of the log-ratio of two sources, and its degrees of freedom (Satterthwaite 1946).
    """
    if sd == 0:
        return error, freedom
    layouts = 2 * sd**2  # variance of the difference of two
    variance = np.square(error) + layouts
    weights = error**4 / freedom + layouts**2 / LAYOUT_FREEDOM
    return np.sqrt(variance), variance**2 / weights


def of_code(estimate: Estimate, sd: float) -> Estimate:
    """Turn the estimate for two binaries into that for their sources.

    Args:
        estimate: Log-ratio of two binaries. One in doubt stays as it is.
        sd: Standard deviation between layouts, on the log scale; 0 leaves the estimate as it is.
    """
    if not sd or estimate.doubt:
        return estimate
    error, freedom = allow_for_layout(np.array(estimate.error), np.array(estimate.freedom), sd)
    return msgspec.structs.replace(estimate, error=float(error), freedom=float(freedom), layout=sd)


def noise_alone(estimate: Estimate) -> float:
    """Return the part of the standard error that is not code layout."""
    return math.sqrt(max(estimate.error**2 - 2 * estimate.layout**2, 0.0))


def mean_sd(sd: float, workloads: int) -> float:
    """Return the standard deviation between layouts of a mean over several workloads."""
    return sd * math.sqrt(LAYOUT_SHARED + (1 - LAYOUT_SHARED) / workloads)
