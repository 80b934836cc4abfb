"""A recorded program on paper: half a million events in about ten seconds, with thousands of stacks."""

from __future__ import annotations

import functools
import random

import msgspec
from gil_machine import MAIN, Step
from gil_machine import run as gil_run

from gilbench.analyse.profile.lanes import lanes_of
from gilbench.model.profile import Blame, Profile, RecordedProfile, SourceLine, Stack

THREADS, ROUNDS = 8, 15_500
_MICROSECOND = 1000  # ns
_FILES = ("app.py", "shop/orders.py", "shop/prices.py", "json/decoder.py", "sqlalchemy/engine/base.py")


@functools.cache
def half_a_million() -> RecordedProfile:
    """The profile of eight threads that pass the GIL to each other every 80 µs, and its events."""
    chance = random.Random(17)
    course = gil_run(*(_steps(chance) for _ in range(THREADS)))
    return RecordedProfile(_told(course.profile(), chance, lanes=lanes_of(course.events)), course.events)


def _steps(chance: random.Random) -> list[Step]:
    steps: list[Step] = []
    for _ in range(ROUNDS):
        steps += (
            ("python", int(chance.expovariate(1 / 80) * _MICROSECOND) + 1),
            ("native", 5 * _MICROSECOND),
        )
    return steps


def _told(profile: Profile, chance: random.Random, **fields: object) -> Profile:
    """Add stacks, their source code, and who waited for whom."""
    tids = [thread.tid for thread in profile.threads if thread.tid != MAIN]
    stacks = tuple(
        Stack(
            tid=tid, thread=f"worker-{tid}", frames=_frames(chance), samples=1 + int(chance.expovariate(0.5))
        )
        for tid in tids
        for _ in range(400)
    )
    blames = tuple(
        Blame(holder=holder, waiter=waiter, seconds=1.0 + holder / 10, count=1000)
        for holder in tids
        for waiter in tids
        if holder != waiter
    )
    sources = (SourceLine(frame="main (app.py:1)", text="serve(order for order in orders if order < limit)"),)
    return msgspec.structs.replace(profile, stacks=stacks, blames=blames, sources=sources, **fields)


def _frames(chance: random.Random) -> tuple[str, ...]:
    frames = ["main (app.py:1)"]
    for _ in range(chance.randint(2, 25)):
        number = int(chance.expovariate(0.4))
        frames.append(f"step_{number} ({_FILES[number % len(_FILES)]}:{10 + number})")
    return tuple(frames)
