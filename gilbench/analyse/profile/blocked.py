"""In which functions the threads of a profile slept and on what, by the rows that a page shows."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import NamedTuple

from gilbench.analyse.profile.groups import Rows, rows_of
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


class Blockings(NamedTuple):
    """How the threads of a profile slept."""

    rows: tuple[Sleeping, ...]  # locks of the program first, then by share
    holders: dict[int, dict[str, float]]  # by number of lock and label: share of the samples of its waits


def blockings(profile: Profile) -> Blockings:
    """Return how the threads of a profile slept, and who held the locks for which they waited."""
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
    rows = tuple(sorted(found, key=lambda one: (one.kind != LOCK, -one.share)))
    return Blockings(rows, _holders(profile, table, numbers))


def _holders(profile: Profile, table: Rows, numbers: dict[int, int]) -> dict[int, dict[str, float]]:
    totals: Counter[int] = Counter()
    for one in profile.lock_holders:
        totals[one.lock] += one.samples
    found: defaultdict[int, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for one in profile.lock_holders:
        if one.lock in numbers and one.tid in table.row_of:
            found[numbers[one.lock]][table.label(one.tid)] += one.samples / totals[one.lock]
    return {number: dict(holders) for number, holders in found.items()}
