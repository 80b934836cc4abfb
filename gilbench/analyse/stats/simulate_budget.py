"""Simulates rows of studies with a budget: each stops at its first clear result, or when the time is up."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gilbench.analyse.stats.drift import FloatArray, drift_correlation, inflation
from gilbench.analyse.stats.estimates import (
    CONFIDENCE,
    MINIMUM_BLOCKS,
    centre_and_error,
    over_looks,
    student_quantile,
)
from gilbench.analyse.stats.sequential import LOOKS, looks_paid
from gilbench.analyse.stats.simulate import Noise, Rate, log_ratios, rate
from gilbench.analyse.stats.verdicts import THRESHOLD, decide, margin
from gilbench.model.study import Struct

CHUNK = 1000  # studies in memory


class BudgetSetting(Struct, frozen=True):
    """The parameters of a simulation of single rows. The mean of each row's blocks is compared with ``THRESHOLD``."""

    noise: Noise
    end: int  # blocks of the study when the time is up
    effect: float = 0.0  # relative change
    spread: float = 0.0  # standard deviation of further, random effects, on the log scale
    every: int = 1  # the row is in every such block
    studies: int = 2000
    seed: int = 0


class BudgetRates(Struct, frozen=True):
    """The error rates and the power of rows as they are finally shown."""

    false_positive_rate: Rate  # fraction of rows with a false verdict, as in ``simulate.Rates``
    coverage: Rate
    coverage_early: Rate | None  # of rows that stopped before the time was up; None: there are none
    coverage_late: Rate | None  # of the others
    power: Rate | None  # fraction of rows beyond the threshold with the right verdict; None: there are none
    blocks: float  # mean number of blocks of a row


class _Shown(Struct, frozen=True):
    """The last results of some rows, each an array of shape (studies,)."""

    truth: FloatArray
    value: FloatArray
    half: FloatArray  # half of the interval
    changed: FloatArray  # 1: called improved or regressed
    early: FloatArray
    blocks: FloatArray


def simulate_budget(setting: BudgetSetting) -> BudgetRates:
    """Simulate single rows that stop at a clear result.

    Raises:
        ValueError: No studies, or too few blocks for a verdict.
    """
    if setting.studies < 1 or setting.end < MINIMUM_BLOCKS * setting.every:
        raise ValueError(f"invalid setting: {setting}")
    rng = np.random.default_rng(setting.seed)
    sizes = [min(CHUNK, setting.studies - start) for start in range(0, setting.studies, CHUNK)]
    chunks = [_chunk(setting, rng, size) for size in sizes]
    shown = _Shown(
        *(np.concatenate([getattr(one, name) for one in chunks]) for name in _Shown.__struct_fields__)
    )
    covered = np.abs(shown.value - shown.truth) <= shown.half
    changed, early = shown.changed > 0, shown.early > 0
    right = changed & (np.sign(shown.value) == np.sign(shown.truth))
    large = np.abs(shown.truth) > margin(THRESHOLD, "ratio")
    return BudgetRates(
        false_positive_rate=rate(float((changed & ~(right & large)).sum()), setting.studies),
        coverage=rate(float(covered.sum()), setting.studies),
        coverage_early=_rate(covered[early]),
        coverage_late=_rate(covered[~early]),
        power=_rate(right[large]),
        blocks=float(shown.blocks.mean()),
    )


def look_after(end: int) -> Sequence[int]:
    """Return the numbers of blocks after which a study is looked at if its time is up after ``end``."""
    return [*(look for look in LOOKS if look < end), end]


def _rate(hits: NDArray[np.bool_]) -> Rate | None:
    return rate(float(hits.sum()), hits.size) if hits.size else None


def _chunk(setting: BudgetSetting, rng: np.random.Generator, studies: int) -> _Shown:
    truth = math.log1p(setting.effect) + setting.spread * rng.standard_normal(studies)
    series = log_ratios("mean", setting.noise, rng, (studies, math.ceil(setting.end / setting.every)))
    series += truth[:, None]
    limit = margin(THRESHOLD, "ratio")
    running = np.ones(studies, dtype=bool)
    shown = _Shown(truth, *(np.zeros(studies) for _ in range(5)))
    for look in look_after(setting.end):
        blocks = math.ceil(look / setting.every)
        if blocks < MINIMUM_BLOCKS:
            continue
        seen, looks = series[running, :blocks], looks_paid(look)
        value, error, kept = centre_and_error(seen)
        factor, left = inflation(drift_correlation([seen]), blocks)
        error, freedom = error * factor, kept * left / (blocks - 1)
        half = student_quantile(freedom, over_looks(CONFIDENCE, looks)) * error
        row = (slice(None), None)  # a matrix of its own
        calls = decide(value[row], error[row], freedom[row], blocks, margin=limit, looks=looks)
        shown.value[running], shown.half[running] = value, half
        shown.changed[running], shown.blocks[running] = calls.changed[:, 0], blocks
        shown.early[running] = look < setting.end
        running[running] = ~(calls.changed | calls.equivalent)[:, 0]
        if not running.any():
            break
    return shown
