"""Checks the promises of the verdicts: in simulated studies, and with real pairs of one interpreter."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, get_args

import msgspec
import numpy as np

from gilbench.analyse.stats.estimates import MINIMUM_BLOCKS, mean_estimate, student_quantile
from gilbench.analyse.stats.simulate import Measure, Noise, Rate, Setting, rate, simulate
from gilbench.analyse.stats.simulate_budget import BudgetSetting, simulate_budget
from gilbench.analyse.stats.simulate_claims import (
    ClaimMeasure,
    ClaimNoise,
    ClaimSetting,
    simulate_claims,
)
from gilbench.analyse.stats.verdicts import THRESHOLD
from gilbench.model.selftest import Promise
from gilbench.model.study import Effort

EFFECTS = (0.01, 0.02, 0.05, 0.10)
FALSE_POSITIVES = 0.05
COVERAGE = (0.93, 0.97)
_ROWS = 60  # of a matrix
_BLOCKS = 10
_CHECKED = 30  # rows of a check of a rebuilt interpreter
LAYOUTS = (0.01, 0.02)  # standard deviations between layouts
REBUILT_EFFECTS = (-0.05, -0.10)
_END = 40  # blocks of a study when its budget is spent
_SPREAD = 0.05  # standard deviation of true changes, on the log scale
_CLAIMS = 4000  # fewer cannot tell 3% from 5% of false verdicts


def simulated_checks(studies: int) -> Iterator[Promise]:
    """Simulate studies and claims under every kind of noise, and measure false verdicts, coverage, and power.

    Args:
        studies: Number of studies and of claims of each kind.
    """
    yield from _claims(max(_CLAIMS, studies))
    for noise in get_args(Noise):
        for measure in get_args(Measure):
            yield from _lone(noise, measure, studies)
        yield from _matrix(noise, max(100, studies // 10))
        for effect in EFFECTS:
            found = simulate(
                Setting(noise=noise, blocks=_BLOCKS, changed=1, effect=effect, studies=studies)
            ).power
            assert found is not None  # noqa: S101 - one row is changed
            name = f"mean, {_BLOCKS} blocks, effect {effect:+.0%}"
            yield _check(name, "simulated", noise, "power", found, promised=None)
        yield from _budget(noise, min(studies, 2000))
    for layout in LAYOUTS:
        yield from _rebuilt(layout, studies)


def real_check(
    name: str, figure: str, hits: int, trials: int, *, at_least: int | None, at_most: int | None
) -> Promise:
    """Check a count of verdicts on real pairs.

    Args:
        name: Description of the pairs.
        figure: false_positive_rate or power.
        hits: Number of pairs with a verdict of a change.
        trials: Number of pairs.
        at_least: Promised minimum of ``hits``; None: none.
        at_most: Promised maximum of ``hits``; None: none.
    """
    found = rate(hits, trials)
    if at_least is not None:
        return _check(
            name, "real", "this machine", figure, found, f">= {at_least} of {trials}", hits >= at_least
        )
    if at_most is not None:
        return _check(
            name, "real", "this machine", figure, found, f"<= {at_most} of {trials}", hits <= at_most
        )
    return _check(name, "real", "this machine", figure, found, promised=None)


def smallest_effect(effort: Effort, logs: Sequence[Sequence[float]], threshold: float) -> Promise:
    """Return the smallest effect that an effort level detects on this machine in 80% of comparisons.

    Args:
        effort: The effort level.
        logs: For each comparison of one interpreter with itself at this level, the log-ratios over blocks.
        threshold: Smallest change that matters, a fraction.
    """
    estimates = [mean_estimate(series) for series in logs]
    freedom = estimates[0].freedom
    needed = float(student_quantile(freedom)) + float(student_quantile(freedom, 0.6))
    variance = float(np.mean([estimate.error**2 for estimate in estimates]))
    effects = [
        math.expm1(math.log1p(threshold) + needed * math.sqrt(variance * factor))
        for factor in (1.0, *_variance_limits(freedom * len(estimates)))
    ]
    return Promise(
        name=f"effort {effort.name}, {effort.blocks} blocks, threshold {threshold:.0%}",
        kind="real",
        noise="this machine",
        figure="smallest_effect",
        value=effects[0],
        lo=effects[1],
        hi=effects[2],
        promised=None,
        holds=None,
    )


def _claims(claims: int) -> Iterator[Promise]:
    """Check the scorecard's intervals over the fewest blocks that give a verdict."""
    for noise in get_args(ClaimNoise):
        for measure in get_args(ClaimMeasure):
            rates = simulate_claims(
                ClaimSetting(measure=measure, noise=noise, blocks=MINIMUM_BLOCKS, claims=claims)
            )
            name = f"claim, {measure}, {MINIMUM_BLOCKS} blocks"
            yield _false_positives(name, noise, rates.false)
            if measure == "fraction handled":  # conservative for few signals over few blocks
                low = COVERAGE[0]
                yield _check(
                    name,
                    "simulated",
                    noise,
                    "coverage",
                    rates.coverage,
                    f">= {low:.0%}",
                    rates.coverage.hi >= low,
                )
            else:
                yield _coverage(name, noise, rates.coverage, promised=True)


def _lone(noise: Noise, measure: Measure, studies: int) -> Iterator[Promise]:
    rates = simulate(Setting(noise=noise, blocks=_BLOCKS, measure=measure, studies=studies))
    name = f"{measure}, {_BLOCKS} blocks, single"
    yield _false_positives(name, noise, rates.false_positive_rate)
    # One short series cannot estimate its own drift: see simulate.
    promised = not (noise == "autocorrelated" and measure == "mean")
    yield _coverage(name, noise, rates.coverage, promised=promised)


def _matrix(noise: Noise, studies: int) -> Iterator[Promise]:
    rates = simulate(Setting(noise=noise, blocks=_BLOCKS, rows=_ROWS, studies=studies))
    name = f"mean, {_BLOCKS} blocks, matrix of {_ROWS}"
    yield _false_positives(name, noise, rates.false_positive_rate)
    yield _coverage(name, noise, rates.coverage, promised=True)


def _rebuilt(layout: float, studies: int) -> Iterator[Promise]:
    """Check interpreters that were rebuilt: their verdicts are about the change of the code."""
    binaries = Setting(noise="between-process", blocks=_BLOCKS, rows=_CHECKED, layout=layout, studies=studies)
    code = msgspec.structs.replace(binaries, allowed=layout)
    noise, name = f"rebuilt, layout {layout:.1%}", f"mean, {_BLOCKS} blocks, {_CHECKED} rows"
    ignored = simulate(binaries).false_positive_rate
    yield _check(f"{name}, layout ignored", "simulated", noise, "false_positive_rate", ignored, promised=None)
    rates = simulate(code)
    yield _false_positives(name, noise, rates.false_positive_rate)
    yield _coverage(name, noise, rates.coverage, promised=True)
    for effect in REBUILT_EFFECTS:
        found = simulate(msgspec.structs.replace(code, changed=1, effect=effect)).power
        assert found is not None  # noqa: S101 - one row is changed
        yield _check(f"{name}, effect {effect:+.0%}", "simulated", noise, "power", found, promised=None)


def _budget(noise: Noise, studies: int) -> Iterator[Promise]:
    """Simulate rows that stop at a clear result: at the threshold, where errors are most likely, and elsewhere."""
    name, promised = f"budget, up to {_END} blocks", noise != "autocorrelated"  # see _lone
    edge = simulate_budget(BudgetSetting(noise=noise, end=_END, effect=THRESHOLD, studies=studies))
    at_edge, found = f"{name}, effect +{THRESHOLD:.0%}, the threshold", edge.false_positive_rate
    if promised:
        yield _false_positives(at_edge, noise, found)
    else:
        yield _check(at_edge, "simulated", noise, "false_positive_rate", found, promised=None)
    yield _coverage(at_edge, noise, edge.coverage, promised=promised)
    mixed = simulate_budget(BudgetSetting(noise=noise, end=_END, spread=_SPREAD, studies=studies))
    parts = {"all": mixed.coverage, "stopped early": mixed.coverage_early, "to the end": mixed.coverage_late}
    for part, covered in parts.items():
        if covered is not None:
            label = f"{name}, effects of ±{_SPREAD:.0%} (sd), {part}"
            yield _at_least_covered(label, noise, covered, promised=promised)
    rates = simulate_budget(BudgetSetting(noise=noise, end=_END // 2, effect=0.05, studies=studies))
    if rates.power is not None:
        label = f"budget, up to {_END // 2} blocks, effect +5%"
        yield _check(label, "simulated", noise, "power", rates.power, promised=None)


def _at_least_covered(name: str, noise: str, found: Rate, *, promised: bool) -> Promise:
    """Check a coverage that may be too high: a row that stays inconclusive pays for looks at which it did not stop."""
    low = COVERAGE[0]
    holds, words = (found.hi >= low, f">= {low:.0%}") if promised else (None, None)
    return _check(name, "simulated", noise, "coverage", found, words, holds)


def _false_positives(name: str, noise: str, found: Rate) -> Promise:
    holds = found.value <= FALSE_POSITIVES and found.hi <= FALSE_POSITIVES + 0.01
    return _check(name, "simulated", noise, "false_positive_rate", found, f"<= {FALSE_POSITIVES:.0%}", holds)


def _coverage(name: str, noise: str, found: Rate, *, promised: bool) -> Promise:
    low, high = COVERAGE
    holds = found.hi >= low and found.lo <= high
    interval = f"{low:.0%} to {high:.0%}" if promised else None
    return _check(name, "simulated", noise, "coverage", found, interval, holds if promised else None)


def _check(
    name: str,
    kind: Literal["simulated", "real"],
    noise: str,
    figure: str,
    found: Rate,
    promised: str | None,
    holds: bool | None = None,
) -> Promise:
    return Promise(
        name=name,
        kind=kind,
        noise=noise,
        figure=figure,
        value=found.value,
        lo=found.lo,
        hi=found.hi,
        promised=promised,
        holds=holds,
    )


def _variance_limits(freedom: float) -> tuple[float, float]:
    """Return the 95% interval of a variance, relative to its estimate."""
    from scipy.special import chdtri  # noqa: PLC0415 - scipy is slow to import

    return freedom / float(chdtri(freedom, 0.025)), freedom / float(chdtri(freedom, 0.975))
