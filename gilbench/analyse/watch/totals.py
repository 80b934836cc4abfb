"""The sums of a watch over all intervals, in constant memory: there are few groups."""

from __future__ import annotations

import msgspec

from gilbench.model.watch import KNOWN, GroupTotals, WatchedGroup, WatchInterval


class WatchTotals:
    """Sums from now on."""

    def __init__(self) -> None:
        self._groups: dict[str, GroupTotals] = {}
        self.watched = self.switches = self.paused = 0.0
        self.known = dict.fromkeys(KNOWN, 0.0)  # s in which a figure was known, for each group too

    def add(self, interval: WatchInterval) -> None:
        """Add an interval."""
        seconds = interval.duration
        self.watched += seconds
        self.switches += (interval.switches or 0.0) * seconds
        self.paused += (interval.paused or 0.0) * seconds
        for figure in KNOWN:
            # Near the limit of its cost, a watch knows the waits of the program, but not those of its groups.
            if all(getattr(one, figure, 0.0) is not None for one in (interval, *interval.groups)):
                self.known[figure] += seconds
        for group in interval.groups:
            before = self._groups.get(group.name, GroupTotals(name=group.name))
            self._groups[group.name] = _sum(before, group, seconds)

    def groups(self) -> tuple[GroupTotals, ...]:
        """Return the sums by group, in the order of names."""
        return tuple(total for _, total in sorted(self._groups.items()))

    def share(self, seconds: float, figure: str) -> float | None:
        """Return a sum as a share of the time in which its figure was known; None: it never was."""
        return seconds / self.known[figure] if self.known[figure] else None


def _sum(before: GroupTotals, group: WatchedGroup, seconds: float) -> GroupTotals:
    return msgspec.structs.replace(
        before,
        gil_held=before.gil_held + (group.gil_held or 0.0) * seconds,
        gil_wait=before.gil_wait + (group.gil_wait or 0.0) * seconds,
        parked=before.parked + (group.parked or 0.0) * seconds,
        cpus=before.cpus + (group.cpus or 0.0) * seconds,
    )
