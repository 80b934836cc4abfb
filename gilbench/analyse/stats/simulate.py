"""Simulates studies with known effects, and measures the error rates of the verdicts.

A study has rows (comparisons) of paired blocks. In each block, each of the two interpreters has a process effect, which
all its values share, and each value has its own noise. The simulated data pass through the same estimators and
verdicts as measured data.

The table is in percent (20,000 single comparisons of means each; 2000 matrices of 60 rows). Coverage is that of the
95% interval over 4, 5, 10, and 20 blocks, for a single row and in a matrix. False verdicts are those of a single row
with a threshold of 2% and with none; the worst of the four:

=================  ======================  ======================  ==============
noise              coverage, single        coverage, matrix        false, 2% / 0%
=================  ======================  ======================  ==============
independent        96.0, 96.1, 96.1, 95.9  95.5, 95.2, 95.0, 95.1  0.07 / 4.1
between-process    95.9, 96.3, 96.3, 95.8  95.2, 95.2, 95.1, 95.0  0.03 / 4.2
drift              96.1, 96.0, 96.3, 95.9  95.3, 95.2, 95.1, 95.0  0.09 / 4.1
autocorrelated     85.4, 84.2, 82.4, 85.1  92.8, 94.3, 95.0, 94.9  2.3 / 17.6
bimodal            96.9, 96.6, 95.8, 95.8  96.2, 95.4, 94.8, 94.9  0.01 / 4.3
heavy-tailed       96.8, 96.7, 96.8, 96.1  96.0, 96.0, 95.7, 95.4  0.14 / 3.9
=================  ======================  ======================  ==============

Medians, 99th percentiles, and fractions (4000 each) are covered in 94 to 97% under every noise. Of matrices without a
difference, at most 0.3% have a false verdict with a threshold of 2%. Without a threshold, at most 5.0% do, but 6.2% of
bimodal ones over 20 blocks (10,000 matrices). If 20 of 60 rows differ by 10%, at most 0.5% and 4.4% of the verdicts
are false.

*Not* promised is the coverage of a single comparison, or of a matrix of twenty rows over fewer than ten blocks (90%),
if the difference itself is autocorrelated. Then only the threshold keeps false verdicts rare.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from gilbench.analyse.stats.drift import FloatArray, drift_correlation, inflation
from gilbench.analyse.stats.estimates import block_log_ratio, centre_and_error, student_quantile
from gilbench.analyse.stats.fractions import difference_and_error
from gilbench.analyse.stats.layout import allow_for_layout
from gilbench.analyse.stats.quantiles import quantile
from gilbench.analyse.stats.verdicts import FDR, THRESHOLD, decide, margin
from gilbench.model.study import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

Measure = Literal["mean", "median", "percentile", "fraction"]
Noise = Literal["independent", "between-process", "drift", "autocorrelated", "bimodal", "heavy-tailed"]

SLICES = 8  # per run
LATENCIES = 40  # per run
SERVED = 0.75  # fraction of answered requests
SHARES = {"median": 0.5, "percentile": 0.99}
CORRELATION = 0.5
HEAVY = 2.5  # degrees of freedom of the t distribution: finite variance, infinite fourth moment
UNEQUAL = 0.5  # sigma of the log of a row's sensitivity to layout
SPIKE, SPIKES = 0.3, 0.05  # size of a spike, and fraction of slices with one
VALUE_SD: dict[Noise, float] = {
    "independent": 0.045,  # with 8 slices: standard deviation of 2.5% per block, as on a shared host
    "between-process": 0.02,
    "drift": 0.045,
    "autocorrelated": 0.01,
    "bimodal": 0.01,
    "heavy-tailed": 0.02,
}
CHUNK = 4_000_000  # maximum number of values in memory


class Setting(Struct, frozen=True):
    """The parameters of a simulation."""

    noise: Noise
    blocks: int
    measure: Measure = "mean"
    rows: int = 1
    changed: int = 0  # number of rows with a true effect, the first ones
    effect: float = 0.0  # relative change of the candidate in these rows; absolute for fractions
    threshold: float = THRESHOLD
    fdr: float = FDR
    layout: float = (
        0.0  # standard deviation between the layouts of rebuilt binaries, over rows; 0: not rebuilt
    )
    allowed: float = 0.0  # the standard deviation between layouts that verdicts allow for
    studies: int = 2000
    seed: int = 0


class Rate(Struct, frozen=True):
    """A simulated rate with its 95% interval."""

    value: float
    lo: float
    hi: float
    trials: int


class Rates(Struct, frozen=True):
    """The error rates and the power in one setting.

    ``false_positive_rate`` is the expected fraction of false verdicts among improved and regressed rows. If no row
    differs, it is the fraction of studies with such a row. A verdict is false if the true change is at most the
    threshold, or has the opposite sign.
    """

    false_positive_rate: Rate
    coverage: Rate  # fraction of rows whose interval contains the true value
    power: Rate | None  # fraction of rows with a true effect that get the right verdict


def simulate(setting: Setting) -> Rates:
    """Simulate studies and count right and false verdicts.

    Raises:
        ValueError: No rows, no studies, fewer than 3 blocks, or more changed rows than rows.
    """
    if min(setting.rows, setting.studies) < 1 or setting.blocks < 3 or setting.changed > setting.rows:  # noqa: PLR2004
        raise ValueError(f"invalid setting: {setting}")
    limit = margin(setting.threshold, "difference" if setting.measure == "fraction" else "ratio")
    truth = np.zeros(setting.rows)
    truth[: setting.changed] = setting.effect if setting.measure == "fraction" else math.log1p(setting.effect)
    unchanged = np.abs(truth) <= limit
    false = covered = found = 0.0
    for value, error, freedom in _estimates(setting, truth):
        calls = decide(value, error, freedom, setting.blocks, margin=limit, fdr=setting.fdr)
        wrong = calls.changed & (unchanged | (np.sign(value) != np.sign(truth)))
        right = calls.changed & (np.sign(value) == np.sign(truth))
        false += float((wrong.sum(axis=-1) / np.maximum(calls.changed.sum(axis=-1), 1)).sum())
        covered += float((np.abs(value - truth) <= student_quantile(freedom) * error).sum())
        found += float(right[..., : setting.changed].sum())
    return Rates(
        false_positive_rate=rate(false, setting.studies),
        coverage=rate(covered, setting.studies * setting.rows),
        power=rate(found, setting.studies * setting.changed) if setting.changed else None,
    )


def false_positive_rate(setting: Setting) -> Rate:
    """Simulate the rate of false verdicts; see ``Rates``."""
    return simulate(setting).false_positive_rate


def coverage(setting: Setting) -> Rate:
    """Simulate the coverage of the 95% interval."""
    return simulate(setting).coverage


def power(setting: Setting) -> Rate:
    """Simulate the rate of right verdicts for rows with a true effect.

    Raises:
        ValueError: No row has a true effect.
    """
    found = simulate(setting).power
    if found is None:
        raise ValueError("no row has an effect; set changed and effect")
    return found


def rate(successes: float, trials: int) -> Rate:
    """Return a proportion with Wilson's interval (1927). ``successes`` may be a sum of fractions."""
    z = float(student_quantile(math.inf))
    value = successes / trials
    centre = (value + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(value * (1 - value) / trials + (z / (2 * trials)) ** 2)
    return Rate(value=value, lo=max(0.0, centre - half), hi=min(1.0, centre + half), trials=trials)


def _estimates(setting: Setting, truth: FloatArray) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
    """Yield estimates of chunks of studies: value, error, and degrees of freedom, each (studies, rows)."""
    rng = np.random.default_rng(setting.seed)
    size = max(1, CHUNK // (2 * setting.rows * setting.blocks * LATENCIES))
    for start in range(0, setting.studies, size):
        shape = (min(size, setting.studies - start), setting.rows, setting.blocks)
        if setting.measure == "fraction":
            hits = _hits(setting.noise, rng, shape, truth)
            value, error = difference_and_error(hits, np.full_like(hits, LATENCIES))
            freedom = setting.blocks - 1.0
            series = (hits[0] - hits[1]) / LATENCIES
        else:
            series = log_ratios(setting.measure, setting.noise, rng, shape) + truth[:, None]
            series += layout_effects(setting.layout, rng, shape[:2])[..., None]
            value, error, freedom = centre_and_error(series)
        correlation = drift_correlation(list(np.moveaxis(series, 1, 0)))
        factor, left = inflation(correlation, setting.blocks)
        freedoms = (freedom * left / (setting.blocks - 1))[:, None]
        error, freedoms = allow_for_layout(error * factor[:, None], freedoms, setting.allowed)
        yield value, error, np.broadcast_to(freedoms, value.shape)


def log_ratios(
    measure: Literal["mean", "median", "percentile"], noise: Noise, rng: Generator, shape: tuple[int, ...]
) -> FloatArray:
    """Simulate the log-ratios of two equal interpreters; the last axis of ``shape`` is the blocks."""
    process = process_effects(noise, rng, shape)[..., None]
    if measure == "mean":
        values = np.exp(process + value_noise(noise, rng, (2, *shape, SLICES)))
        return block_log_ratio(values[0], values[1])
    latencies = np.exp(process) * rng.exponential(size=(2, *shape, LATENCIES))
    figures = np.log(quantile(latencies, SHARES[measure]))
    ratio: FloatArray = figures[0] - figures[1]
    return ratio


def process_effects(noise: Noise, rng: Generator, shape: tuple[int, ...]) -> FloatArray:
    """Simulate the effects of processes on the log scale; shape (2, *shape), blocks last.

    "drift" is AR(1) over blocks, 10%, shared by both interpreters, so it cancels. "autocorrelated" is AR(1), 2%,
    separate for each interpreter, so it does not cancel.
    """
    both = (2, *shape)
    match noise:
        case "independent":
            return np.zeros(both)
        case "between-process":
            return 0.01 * rng.standard_normal(both)
        case "drift":
            return np.broadcast_to(0.1 * _ar1(rng, shape), both)
        case "autocorrelated":
            return 0.02 * _ar1(rng, both)
        case "bimodal":
            return 0.02 * rng.integers(0, 2, both).astype(np.float64)
        case "heavy-tailed":
            return 0.01 * rng.standard_t(HEAVY, both)


def layout_effects(sd: float, rng: Generator, shape: tuple[int, int]) -> FloatArray:
    """Simulate the log-ratios of two layouts of one source; shape (studies, rows).

    The root mean square over rows is that of two layouts with this standard deviation each.
    """
    sensitivity = np.exp(UNEQUAL * rng.standard_normal(shape) - UNEQUAL**2)
    effects: FloatArray = math.sqrt(2) * sd * sensitivity * rng.standard_normal(shape)
    return effects


def value_noise(noise: Noise, rng: Generator, shape: tuple[int, ...]) -> FloatArray:
    """Simulate the noise of slices on the log scale; heavy-tailed noise also has spikes of 30%."""
    if noise == "heavy-tailed":
        spikes = SPIKE * (rng.random(shape) < SPIKES)
        return VALUE_SD[noise] * rng.standard_t(HEAVY, shape) - spikes
    return VALUE_SD[noise] * rng.standard_normal(shape)


def _hits(noise: Noise, rng: Generator, shape: tuple[int, ...], truth: FloatArray) -> FloatArray:
    """Simulate how many of ``LATENCIES`` requests were answered; shape (2, studies, rows, blocks)."""
    chance = SERVED + process_effects(noise, rng, shape)
    chance[0] += truth[:, None]
    return rng.binomial(LATENCIES, np.clip(chance, 0.0, 1.0)).astype(np.float64)


def _ar1(rng: Generator, shape: tuple[int, ...]) -> FloatArray:
    """Return stationary AR(1) noise of unit variance along the last axis."""
    noise: FloatArray = rng.standard_normal(shape)
    noise[..., 1:] *= math.sqrt(1 - CORRELATION**2)
    for block in range(1, shape[-1]):
        noise[..., block] += CORRELATION * noise[..., block - 1]
    return noise
