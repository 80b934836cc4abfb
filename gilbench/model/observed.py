"""What is observed of a worker to explain a regression."""

from __future__ import annotations

from typing import NamedTuple

from gilbench.model.profile import Profile, Stack
from gilbench.model.study import Slice, Struct


class LockWait(Struct, frozen=True):
    """The waits of one thread."""

    count: int
    seconds: float


class Observation(NamedTuple):
    """What was observed of one worker."""

    profile: Profile
    stacks: tuple[Stack, ...]  # of all threads, also of those that waited; empty: not sampled
    locks: dict[int, LockWait] | None  # by thread; None: not observed
    cpu_waits: dict[int, float]  # s that a thread was runnable without a CPU
    unavailable: tuple[str, ...] = ()  # what was not observed, and why


class Observed(NamedTuple):
    """One observed slice of a case."""

    slice: Slice
    seen: Observation
