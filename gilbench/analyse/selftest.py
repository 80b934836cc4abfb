"""What the decisions promise, checked on known truth: simulated studies, and real pairs of one interpreter."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, get_args

import numpy as np

from gilbench.analyse.estimates import student_quantile
from gilbench.analyse.simulate import Measure, Noise, Rate, Setting, rate, simulate
from gilbench.analyse.verdicts import THRESHOLD
from gilbench.model import Profile, Struct

EFFECTS = (0.01, 0.02, 0.05, 0.10)
FALSE_POSITIVES = 0.05
COVERAGE = (0.93, 0.97)
_ROWS = 60  # of a matrix
_BLOCKS = 10


class Check(Struct, frozen=True):
    """One promise and what was found of it."""

    name: str
    kind: Literal["simulated", "real"]
    noise: str
    figure: str  # false_positive_rate, coverage, power, smallest_effect
    value: float
    lo: float | None
    hi: float | None
    promised: str | None  # None: shown, not promised
    holds: bool | None


def simulated_checks(studies: int) -> Iterator[Check]:
    """Simulate studies under every kind of noise and count false verdicts, coverage and power.

    Args:
        studies: How many of each kind.
    """
    for noise in get_args(Noise):
        for measure in get_args(Measure):
            yield from _lone(noise, measure, studies)
        yield from _matrix(noise, max(100, studies // 10))
        for effect in EFFECTS:
            found = simulate(
                Setting(noise=noise, blocks=_BLOCKS, changed=1, effect=effect, studies=studies)
            ).power
            assert found is not None  # noqa: S101 - one row is changed
            name = f"mean, {_BLOCKS} blocks, {effect:.0%} faster"
            yield _check(name, "simulated", noise, "power", found, promised=None)


def real_check(
    name: str, figure: str, hits: int, trials: int, *, at_least: int | None, at_most: int | None
) -> Check:
    """Make a check of a count on real pairs.

    Args:
        name: What was compared.
        figure: false_positive_rate or power.
        hits: How many were called changed.
        trials: Of how many.
        at_least: How many are promised to be.
        at_most: How many are promised not to be exceeded.
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


def smallest_effects(logs: Sequence[Sequence[float]], profiles: Sequence[Profile]) -> Iterator[Check]:
    """The smallest change that each profile finds on this machine in four of five comparisons.

    Args:
        logs: For each pair of one interpreter with itself, its log-ratios over blocks.
        profiles: Their numbers of blocks count; that their slices differ in length is left out.
    """
    variances = [float(np.var(series, ddof=1)) for series in logs]
    freedom = sum(len(series) - 1 for series in logs)
    for profile in profiles:
        blocks = profile.blocks
        needed = float(student_quantile(blocks - 1)) + float(student_quantile(blocks - 1, 0.6))
        effects = [
            math.expm1(
                math.log1p(THRESHOLD) + needed * math.sqrt(float(np.mean(variances)) * factor / blocks)
            )
            for factor in (1.0, *_variance_limits(freedom))
        ]
        yield Check(
            name=f"profile {profile.name}, {blocks} blocks",
            kind="real",
            noise="this machine",
            figure="smallest_effect",
            value=effects[0],
            lo=effects[1],
            hi=effects[2],
            promised=None,
            holds=None,
        )


def _lone(noise: Noise, measure: Measure, studies: int) -> Iterator[Check]:
    rates = simulate(Setting(noise=noise, blocks=_BLOCKS, measure=measure, studies=studies))
    name = f"{measure}, {_BLOCKS} blocks, alone"
    yield _false_positives(name, noise, rates.false_positive_rate)
    # One short series cannot show that its own difference drifts: see simulate.
    promised = not (noise == "autocorrelated" and measure == "mean")
    yield _coverage(name, noise, rates.coverage, promised=promised)


def _matrix(noise: Noise, studies: int) -> Iterator[Check]:
    rates = simulate(Setting(noise=noise, blocks=_BLOCKS, rows=_ROWS, studies=studies))
    name = f"mean, {_BLOCKS} blocks, matrix of {_ROWS}"
    yield _false_positives(name, noise, rates.false_positive_rate)
    yield _coverage(name, noise, rates.coverage, promised=True)


def _false_positives(name: str, noise: str, found: Rate) -> Check:
    holds = found.value <= FALSE_POSITIVES and found.hi <= FALSE_POSITIVES + 0.01
    return _check(name, "simulated", noise, "false_positive_rate", found, f"<= {FALSE_POSITIVES:.0%}", holds)


def _coverage(name: str, noise: str, found: Rate, *, promised: bool) -> Check:
    low, high = COVERAGE
    holds = found.hi >= low and found.lo <= high
    said = f"{low:.0%} to {high:.0%}" if promised else None
    return _check(name, "simulated", noise, "coverage", found, said, holds if promised else None)


def _check(
    name: str,
    kind: Literal["simulated", "real"],
    noise: str,
    figure: str,
    found: Rate,
    promised: str | None,
    holds: bool | None = None,
) -> Check:
    return Check(
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


def _variance_limits(freedom: int) -> tuple[float, float]:
    """The 95 % interval of a variance, over its estimate."""
    from scipy.special import chdtri  # noqa: PLC0415 - scipy is slow to import

    return freedom / float(chdtri(freedom, 0.025)), freedom / float(chdtri(freedom, 0.975))
