"""Allows for code layout in the comparison of two builds.

Two builds of the same source differ in speed. The order of linking and the size of whatever comes first decide at which
addresses functions start, and so how branches are predicted and how code shares caches (Mytkowicz et al. 2009). A
comparison of two binaries therefore has an error that no number of runs reduces: the layout is drawn once per build,
not once per process (Curtsinger and Berger 2013). Whether *this binary* is slower has no such error. Whether the
*change of the code* made it slower has.

The table is from 4000 simulated checks per row: 30 workloads, 10 blocks, noise between processes, threshold 2%, false
discovery rate 5%. Workloads differ in their sensitivity to layout (log-normal, sigma 0.5). It shows, in percent, checks
with a false verdict if nothing but the layout changed, the coverage of the 95% interval, and the power for one workload
that lost 5% and 10%. The verdicts ignore layout, allow for its true standard deviation, or allow for 1%:

===========  =======================  ========================  ===============
sd between   false verdicts           coverage                  power, 5% / 10%
layouts      ignored, true, 1%        ignored, true, 1%         true
===========  =======================  ========================  ===============
0.5%         3.1, 0.7, 0.03           83.3, 96.0, 99.7          36 / 100
1%           39.8, 2.6, 2.6           65.8, 96.3, 96.3          1.9 / 93
1.5%         82.5, 3.6, 14.8          52.5, 96.3, 89.5          0.6 / 26
2%           97.3, 4.2, 39.0          43.0, 96.3, 82.0          0.5 / 5.2
===========  =======================  ========================  ===============

With a standard deviation of 1%, the interval of one pair of builds is at least 3.3% wide on each side. No row is then
equivalent with a threshold of 2%.

``ci/bench.py layout`` measures the constants, on builds of ``ci/make-layouts``.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from gilbench.analyse.stats.drift import FloatArray
from gilbench.analyse.stats.estimates import Estimate

# >>> To be replaced by the figures of `ci/bench.py layout` on a quiet machine; then name the machine and the date here.
LAYOUT_SD = 0.010
"""Standard deviation between layouts of one source, of the log of a time; the root mean square over workloads."""
LAYOUT_SHARED = 0.2
"""Fraction of that variance that all workloads have in common: the rest averages out in the mean of a family."""
LAYOUT_FREEDOM = 8.0
"""Degrees of freedom of one workload's layout effect: workloads differ in their sensitivity, which makes the effect of
a workload Student's t rather than normal."""
# <<<


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
