"""In which functions the threads of a profile slept and on what, by the rows that a page shows."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from gilbench.analyse.profile.groups import rows_of
from gilbench.model.profile import LOCK, Profile

LEAST = 0.01  # of the time; a row with a smaller share is left out


class Sleeping(NamedTuple):
    """One way in which a thread, or a group of threads, slept."""

    label: str  # of the thread
    kind: str  # what it waited for
    function: str | None  # None: unknown
    share: float  # of the time; of a group: the sum
    lock: int | None = None  # number of a lock of the program: 1 is the one with the most waits

    @property
    def waits_for(self) -> str:
        """What the thread waited for."""
        return self.kind if self.lock is None else f"{self.kind} {self.lock}"


def blocked_rows(profile: Profile) -> tuple[Sleeping, ...]:
    """Return how the threads of a profile slept: locks of the program first, then by share."""
    table = rows_of(profile.threads)
    shares: defaultdict[tuple[int, str, str | None, int | None], float] = defaultdict(float)
    locks: defaultdict[int, float] = defaultdict(float)
    for one in profile.blocked:
        row = table.row_of.get(one.tid)
        total = table.rows[row].total if row is not None else None
        if row is None or total is None or not total.looks:
            continue
        share = total.alive * one.samples / total.looks
        shares[row, one.kind, one.function, one.lock] += share
        if one.lock is not None:
            locks[one.lock] += share
    numbers = {lock: number for number, lock in enumerate(sorted(locks, key=lambda lock: -locks[lock]), 1)}
    found = (
        Sleeping(table.rows[row].label, kind, function, share, numbers[lock] if lock is not None else None)
        for (row, kind, function, lock), share in shares.items()
        if share >= LEAST
    )
    return tuple(sorted(found, key=lambda one: (one.kind != LOCK, -one.share)))
