"""The groups of a plan that a fleet has to measure, in the memory of 8 bytes each."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable

from gilbench.plan.blocks import Group


class OpenGroup:
    """A group that a host has taken, from then until it is finished or given up.

    Args:
        kind: Index of its kind.
        order: Its place in the order of the plan.
        group: The group.
        attempts: Number of earlier attempts.
    """

    __slots__ = ("attempts", "failed", "failures", "finished", "group", "kind", "order", "token", "tokens")

    def __init__(self, kind: int, order: int, group: Group, attempts: int) -> None:
        self.kind, self.order, self.group, self.attempts = kind, order, group, attempts
        self.token: int | None = None  # of the assignment that counts; None: the group waits for a host
        self.tokens: list[int] = []  # of all assignments that may still be answered
        self.failed: frozenset[str] = frozenset()  # hosts
        self.failures = 0
        self.finished = False  # or given up

    def __lt__(self, other: OpenGroup) -> bool:
        return self.order < other.order


class AlikeGroups:
    """Groups that differ only in their block, as a queue in the order of the plan.

    Args:
        kind: Index of this kind.
        first: A group of this kind.
    """

    def __init__(self, kind: int, first: Group) -> None:
        self._kind, self._first = kind, first
        self._blocks, self._orders = array("I"), array("I")
        self._next = 0
        self._returned: list[OpenGroup] = []  # a heap

    def __len__(self) -> int:
        return len(self._blocks)

    def add(self, block: int, order: int) -> None:
        """Append a group; ``order`` is its place in the order of the plan."""
        self._blocks.append(block)
        self._orders.append(order)

    def head(self) -> int | None:
        """Return the place of the first group in the order of the plan; None: no group waits."""
        while self._returned and self._returned[0].finished:  # by a late answer
            heapq.heappop(self._returned)
        if self._returned:
            return self._returned[0].order
        return self._orders[self._next] if self._next < len(self._orders) else None

    def take(self) -> tuple[OpenGroup, bool]:
        """Remove the first group, which ``head`` found; return it, and whether it is taken for the first time."""
        if self._returned:
            return heapq.heappop(self._returned), False
        number, self._next = self._next, self._next + 1
        group = self._first._replace(block=self._blocks[number])
        return OpenGroup(self._kind, self._orders[number], group, 0), True

    def put_back(self, group: OpenGroup) -> None:
        """Let a group wait again, before those that were never taken."""
        heapq.heappush(self._returned, group)


def alike_groups(groups: Iterable[Group]) -> list[AlikeGroups]:
    """Sort groups by kind, in the order in which the kinds first appear."""
    found: dict[tuple[str, tuple[int, ...], bool], AlikeGroups] = {}
    for order, group in enumerate(groups):
        key = group.workload, group.cases, group.long
        kind = found.get(key)
        if kind is None:
            kind = found[key] = AlikeGroups(len(found), group)
        kind.add(group.block, order)
    return list(found.values())
