"""The differences between two sides that stand out: those that neither chance nor the threshold explains.

Differences are computed within rounds, since both sides of a round were observed one after the other. Times are
relative to the time of an operation before, so that a function that takes no time cannot stand out; instructions are
relative to those of an operation before. Other quantities are relative to the larger side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gilbench.analyse.explain.quantities import UNITS, Key
from gilbench.analyse.stats.estimates import MINIMUM_BLOCKS, Estimate, mean_estimate
from gilbench.analyse.stats.verdicts import verdicts
from gilbench.model.explanation import Deviation

LEAST_COUNT = 0.1  # per operation, by which a count has to differ
LEAST_SHARE = 0.1  # of the larger side, by which other quantities have to differ


class Sides(NamedTuple):
    """The quantities of one round on both sides."""

    before: dict[Key, float]
    after: dict[Key, float]


def standing_out(rounds: Sequence[Sides], *, threshold: float, fdr: float) -> dict[Key, Deviation]:
    """Return the differences that stand out.

    A quantity is compared in the rounds in which it was observed on both sides, of whatever subject: a function that
    was not among the sampled ones took no time.

    Args:
        rounds: Both sides of each round.
        threshold: Smallest difference of a time or of instructions that matters, as a fraction of those of an
            operation.
        fdr: False discovery rate among the differences.
    """
    keys = sorted({key for sides in rounds for side in sides for key in side})
    kinds = [tuple({key.quantity for key in side} for side in sides) for sides in rounds]
    compared = {}
    for key in keys:
        seen = [
            sides
            for sides, kind in zip(rounds, kinds, strict=True)
            if all(key.quantity in one for one in kind)
        ]
        if seen:
            compared[key] = _compared(key, seen)
    estimates = {key: mean_estimate(one.relative, scale="difference") for key, one in compared.items()}
    limits = {key: threshold if key.whole else LEAST_SHARE for key in compared}
    found: dict[Key, Deviation] = {}
    for limit in sorted(set(limits.values())):
        keys = [key for key in compared if limits[key] == limit]
        judged = verdicts([estimates[key] for key in keys], ["lower"] * len(keys), threshold=limit, fdr=fdr)
        for key, verdict in zip(keys, judged, strict=True):
            changed = verdict.verdict in {"regressed", "improved"} or _is_constant(estimates[key], limit)
            if changed and compared[key].matters(key):
                found[key] = compared[key].change(key, estimates[key])
    return found


class _BothSides(NamedTuple):
    before: float  # means over rounds
    after: float
    size: float  # to which differences are relative
    relative: list[float]

    def matters(self, key: Key) -> bool:
        return UNITS[key.quantity] != "count" or abs(self.after - self.before) >= LEAST_COUNT

    def change(self, key: Key, estimate: Estimate) -> Deviation:
        interval = estimate.interval()
        return Deviation(
            quantity=key.quantity,
            subject=key.subject,
            unit=UNITS[key.quantity],
            before=self.before,
            after=self.after,
            lo=None if interval.lo is None else interval.lo * self.size,
            hi=None if interval.hi is None else interval.hi * self.size,
        )


def _compared(key: Key, rounds: Sequence[Sides]) -> _BothSides:
    sides = np.array([[side.get(key, 0.0) for side in one] for one in rounds])
    before, after = sides.mean(axis=0)
    if key.whole is not None:  # of the same round, in which the host was as fast
        sizes = np.array([one.before[Key(key.whole)] for one in rounds])
    else:
        sizes = np.full(len(rounds), max(before, after))
    sizes[sizes <= 0] = 1.0
    relative = [float(value) for value in (sides[:, 1] - sides[:, 0]) / sizes]
    size = sizes.mean()
    return _BothSides(float(before), float(after), float(size), relative)


def _is_constant(estimate: Estimate, limit: float) -> bool:
    """Return whether a difference is the same in each round, as counts can be: chance cannot explain it."""
    enough = estimate.blocks >= MINIMUM_BLOCKS
    return enough and estimate.doubt == "zero variance" and abs(estimate.value) > limit
