"""The values of ``gilbench selftest``: each promise of the method, and its measured value."""

from __future__ import annotations

from typing import Literal

from gilbench.model.study import Struct


class Promise(Struct, frozen=True):
    """One promise and its measured value."""

    name: str
    kind: Literal["simulated", "real"]
    noise: str
    figure: str  # false_positive_rate, coverage, power, smallest_effect
    value: float
    lo: float | None
    hi: float | None
    promised: str | None  # None: shown, but not promised
    holds: bool | None


class GeneratedNoise(Struct, frozen=True):
    """The noise that gilbench generated during the real checks."""

    name: str
    taken: dict[str, float]  # by source: CPU time that it took or withheld, in seconds per second


class Selftest(Struct, frozen=True):
    """Every promise, simulated and on this machine."""

    promises: tuple[Promise, ...]
    noise: GeneratedNoise | None = None  # None: none was generated
