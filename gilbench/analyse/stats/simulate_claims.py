"""Simulates claims with known values, and measures the coverage of their intervals and their false verdicts.

Each block of a claim has new processes. The slices, delays, or signals of a process share its effect, which varies as
much as they do. Each block is reduced to one value. An interval is computed over the blocks, and the true value is at
the limit of the claim, where each verdict is wrong for a true value just beyond it.

The table is in percent: coverage of the 95% interval over 3, 4, 5, and 8 blocks, and the rate of false verdicts, the
worst of the four (20,000 claims each; 4000 of fractions):

========================  =================  ======================  =====
measure                   noise              coverage                false
========================  =================  ======================  =====
speedup                   slices             95.0, 94.8, 94.9, 95.2  2.7
speedup                   processes          94.8, 95.0, 95.2, 95.0  2.6
speedup                   bimodal processes  95.0, 95.0, 94.7, 94.7  2.7
speedup                   heavy tails        96.0, 96.3, 96.0, 96.0  2.1
median delay              slices             95.1, 95.1, 95.0, 95.1  2.6
median delay              processes          95.0, 95.0, 94.9, 95.3  2.7
median delay              bimodal processes  94.6, 94.9, 95.1, 94.9  2.9
median delay              heavy tails        95.4, 95.4, 95.5, 95.3  2.5
90th percentile of delay  slices             95.1, 94.8, 94.8, 94.2  4.3
90th percentile of delay  processes          95.1, 94.9, 94.8, 94.9  3.4
90th percentile of delay  bimodal processes  93.8, 93.8, 94.1, 94.4  3.6
90th percentile of delay  heavy tails        95.4, 95.4, 95.2, 95.1  3.3
fraction handled          slices             99.7, 98.3, 97.3, 95.9  2.1
fraction handled          processes          99.2, 97.7, 96.7, 95.7  2.5
fraction handled          bimodal processes  98.5, 97.1, 96.8, 95.8  2.2
fraction handled          heavy tails        99.2, 97.5, 97.1, 95.9  2.1
========================  =================  ======================  =====

Fractions of few signals over few blocks are conservative: see ``fractions``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from gilbench.analyse.stats.estimates import (
    CONFIDENCE,
    MINIMUM_BLOCKS,
    block_log_ratio,
    centre_and_error,
    student_quantile,
)
from gilbench.analyse.stats.fractions import fraction_interval
from gilbench.analyse.stats.quantiles import quantile
from gilbench.analyse.stats.simulate import HEAVY, SPIKE, SPIKES, Rate, rate
from gilbench.model.study import Struct

if TYPE_CHECKING:
    from numpy.random import Generator

    from gilbench.analyse.stats.drift import FloatArray

ClaimMeasure = Literal["speedup", "median delay", "90th percentile of delay", "fraction handled"]
ClaimNoise = Literal["slices", "processes", "bimodal processes", "heavy tails"]

SLICES = 4  # per block
SLICE_SD = 0.05  # of the log of throughput
DELAYS: dict[ClaimMeasure, tuple[int, float]] = {  # number of signals or requests per block; percentile
    "median delay": (15, 0.5),
    "90th percentile of delay": (99, 0.9),
}
SIGNALS = 15  # per block
HANDLED = 0.8  # true fraction
PROCESS_SD: dict[ClaimMeasure, float] = {  # of logs, or of a fraction
    "speedup": SLICE_SD,
    "median delay": 0.25,  # as that of the median of 15 delays
    "90th percentile of delay": 0.15,
    "fraction handled": 0.1,
}
MOST = 0.2  # largest effect on a fraction, which stays within 0 and 1


class ClaimSetting(Struct, frozen=True):
    """The parameters of a simulation."""

    measure: ClaimMeasure
    noise: ClaimNoise
    blocks: int
    claims: int = 2000
    seed: int = 0


class ClaimRates(Struct, frozen=True):
    """The error rates in one setting."""

    coverage: Rate  # fraction of intervals that contain the true value
    false: Rate  # fraction of claims with the more frequent one of the two verdicts


def simulate_claims(setting: ClaimSetting) -> ClaimRates:
    """Simulate claims, and count their intervals and verdicts.

    Raises:
        ValueError: No claims, or too few blocks for a verdict.
    """
    if setting.claims < 1 or setting.blocks < MINIMUM_BLOCKS:
        raise ValueError(f"invalid setting: {setting}")
    rng, shape = np.random.default_rng(setting.seed), (setting.claims, setting.blocks)
    if setting.measure == "fraction handled":
        truth = HANDLED
        low, high = _fraction_intervals(_handled(setting.noise, rng, shape))
    else:
        truth = 0.0
        mean, error, freedom = centre_and_error(_logs(setting.measure, setting.noise, rng, shape))
        half = float(student_quantile(freedom)) * error
        low, high = mean - half, mean + half
    above, below = float((low > truth).sum()), float((high < truth).sum())
    return ClaimRates(
        coverage=rate(setting.claims - above - below, setting.claims),
        false=rate(max(above, below), setting.claims),
    )


def _fraction_intervals(handled: FloatArray) -> tuple[FloatArray, FloatArray]:
    sent = [SIGNALS] * handled.shape[-1]
    found = [fraction_interval(hits.tolist(), sent, CONFIDENCE) for hits in handled]
    return np.array([one.lo for one in found]), np.array([one.hi for one in found])


def _logs(measure: ClaimMeasure, noise: ClaimNoise, rng: Generator, shape: tuple[int, int]) -> FloatArray:
    """Simulate one log per block, relative to the true value; shape (claims, blocks)."""
    if measure == "speedup":
        both = (2, *shape)
        slices = np.exp(_processes(measure, noise, rng, both)[..., None] + _slices(noise, rng, both))
        ratios: FloatArray = block_log_ratio(slices[0], slices[1])
        return ratios
    count, share = DELAYS[measure]
    process = np.exp(_processes(measure, noise, rng, shape))[..., None]
    delays = process * rng.exponential(size=(*shape, count))
    logs: FloatArray = np.log(quantile(delays, share)) - math.log(-math.log1p(-share))
    return logs


def _handled(noise: ClaimNoise, rng: Generator, shape: tuple[int, int]) -> FloatArray:
    """Simulate how many of ``SIGNALS`` were handled; shape (claims, blocks)."""
    effects = np.clip(_processes("fraction handled", noise, rng, shape), -MOST, MOST)
    return rng.binomial(SIGNALS, HANDLED + effects).astype(np.float64)


def _processes(
    measure: ClaimMeasure, noise: ClaimNoise, rng: Generator, shape: tuple[int, ...]
) -> FloatArray:
    """Simulate the effects of processes, of the shape of the processes."""
    size = PROCESS_SD[measure]
    match noise:
        case "slices":
            return np.zeros(shape)
        case "processes":
            return size * rng.standard_normal(shape)
        case "bimodal processes":
            return np.where(rng.random(shape) < 0.5, -size, size)  # noqa: PLR2004
        case "heavy tails":
            heavy: FloatArray = size / 2 * rng.standard_t(HEAVY, shape)
            return heavy


def _slices(noise: ClaimNoise, rng: Generator, shape: tuple[int, ...]) -> FloatArray:
    """Simulate the noise of slices on the log scale; heavy tails include spikes of 30%."""
    each = (*shape, SLICES)
    if noise == "heavy tails":
        spikes = SPIKE * (rng.random(each) < SPIKES)
        noisy: FloatArray = SLICE_SD / 2 * rng.standard_t(HEAVY, each) - spikes
        return noisy
    return SLICE_SD * rng.standard_normal(each)
