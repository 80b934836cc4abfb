"""How many groups of each kind a host of a fleet measures: equal numbers, since the analysis compares hosts.

Groups of one kind differ only in their block. A host that joins late counts as if it had taken as many as the others on
average, so it gets an equal share of the rest, and the others do not wait until it has caught up. So does a host that
comes back, for the time of its absence. What a lost host does not measure is shared by the others.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence


class HostShares:
    """Counts what the hosts have taken, and limits it to their shares.

    Args:
        totals: Number of groups of each kind.
    """

    def __init__(self, totals: Sequence[int]) -> None:
        self._needed = list(totals)  # by the present hosts; without what absent hosts took
        self._taken = [0] * len(totals)  # by the present hosts
        self._spread: list[Counter[int]] = [Counter() for _ in totals]  # present hosts by number taken
        self._present: dict[str, array[int]] = {}  # taken by each host
        self._absent: dict[str, array[int]] = {}
        self._means_then: dict[str, array[int]] = {}  # of the others, when each absent host left

    @property
    def present(self) -> int:
        """Number of hosts."""
        return len(self._present)

    def __iter__(self) -> Iterator[str]:
        return iter(self._present)

    def __contains__(self, host: str) -> bool:
        return host in self._present

    def join(self, host: str) -> None:
        """Add a host that is not present. It may have been present before."""
        taken = self._absent.pop(host, None) or array("I", [0]) * len(self._needed)
        missed = self._means()
        for kind, before in enumerate(self._means_then.pop(host, ())):
            missed[kind] = max(0, missed[kind] - before)
        for kind, others in enumerate(missed):
            taken[kind] += others
            self._needed[kind] += taken[kind]
            self._taken[kind] += taken[kind]
            self._spread[kind][taken[kind]] += 1
        self._present[host] = taken

    def leave(self, host: str) -> None:
        """Remove a host that is present."""
        taken = self._absent[host] = self._present.pop(host)
        for kind, number in enumerate(taken):
            self._needed[kind] -= number
            self._taken[kind] -= number
            self._spread[kind][number] -= 1
        self._means_then[host] = self._means()

    def _means(self) -> array[int]:
        """Return how many groups of each kind a present host has taken on average, rounded down."""
        hosts = max(1, len(self._present))
        return array("I", (taken // hosts for taken in self._taken))

    def take(self, host: str, kind: int) -> None:
        """Count one group for a host. The host may be absent."""
        self._add(host, kind, 1)

    def give_back(self, host: str, kind: int) -> None:
        """Take back that a present host has taken a group."""
        self._add(host, kind, -1)

    def repeat(self, kind: int) -> None:
        """Note that one group, which failed, is measured again."""
        self._needed[kind] += 1

    def progress(self, host: str, kind: int) -> float | None:
        """Return how much of its share a present host has taken, from 0 to 1; None: it may take no more."""
        taken, needed = self._present[host][kind], self._needed[kind]
        least, rest = divmod(needed, len(self._present))
        if taken > least or (taken == least and not (rest and self._to_spare(kind, least))):
            return None
        return taken * len(self._present) / needed

    def _to_spare(self, kind: int, least: int) -> bool:
        """Return whether more groups wait than the hosts that have taken fewer than ``least`` will take."""
        reserved = sum(hosts * max(0, least - taken) for taken, hosts in self._spread[kind].items())
        return self._needed[kind] - self._taken[kind] > reserved

    def _add(self, host: str, kind: int, number: int) -> None:
        if host in self._present:
            taken = self._present[host]
            self._spread[kind][taken[kind]] -= 1
            taken[kind] += number
            self._spread[kind][taken[kind]] += 1
            self._taken[kind] += number
        else:
            self._absent[host][kind] += number
            self._needed[kind] -= number
