"""What the exact probe has summed up for threads, the latest ended ones singly, and older ones by process and name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gilbench.model.threads import pattern_of

_SINGLE = 4096  # latest ended threads that are kept singly, at least
_ENDED = 24  # a state in which no time passes
_SUMS = ("@s", "@born", "@held", "@wait", "@off", "@n", "@longhold", "@longwait", "@freed", "@first")

WAITING, HOLDING, RUNNING = 2, 3, (1, 5, 6)  # states of a thread in exact.bt


class ThreadSums(NamedTuple):
    """The kernel's sums of one thread, or of several ended threads; ns."""

    pid: int
    tid: int
    until: int  # its end, or the profile's
    born: int  # 0: before the probe
    state: int  # as in the script
    held: int
    wait: int
    off: int
    takes: int
    longest_hold: int
    longest_wait: int
    freed: int  # 1 + when the GIL was released to a thread that was found waiting or holding; 0: it was not found so
    first: int  # when that thread released it first
    name: str | None
    threads: int = 1
    tids: frozenset[int] = frozenset()  # of all threads of a sum

    @property
    def is_whole(self) -> bool:
        """Whether the probe has seen all of the thread, which neither held nor waited at its end."""
        return (
            bool(self.born)
            and not self.first
            and self.state & 7 not in {WAITING, HOLDING}
            and self.tid != self.pid
        )

    @classmethod
    def ended(cls, line: str) -> ThreadSums:
        """Read the script's line of a thread that has ended."""
        words = line.split(maxsplit=13)
        pid, tid, now, born, state, held, wait, off, takes, hold, longest, freed, first = map(int, words[:13])
        name = words[13].strip() if len(words) > 13 else None  # noqa: PLR2004
        return cls(pid, tid, now, born, state, held, wait, off, takes, hold, longest, freed, first, name)

    @classmethod
    def alive(cls, pid: int, tid: int, maps: Mapping[str, Any], now: int) -> ThreadSums:
        """Read the script's maps of a thread that lives."""
        state, born, held, wait, off, takes, hold, longest, freed, first = (
            int(maps.get(name, {}).get(str(tid), 0)) for name in _SUMS
        )
        return cls(pid, tid, now, born, state, held, wait, off, takes, hold, longest, freed, first, None)


class EndedThreads:
    """The threads that have ended, in memory that does not grow with their number."""

    def __init__(self) -> None:
        self._latest: list[ThreadSums] = []
        self._older: dict[tuple[int, str | None], ThreadSums] = {}

    def add(self, one: ThreadSums) -> None:
        """Add a thread that has ended."""
        self._latest.append(one)
        if len(self._latest) > 2 * _SINGLE:
            oldest, self._latest = self._latest[:_SINGLE], self._latest[_SINGLE:]
            groups: defaultdict[tuple[int, str | None], list[ThreadSums]] = defaultdict(list)
            for old in oldest:
                if old.is_whole:
                    groups[old.pid, pattern_of(old.name)].append(old)
                else:
                    self._latest.append(old)
            for key, members in groups.items():
                known = [self._older[key]] if key in self._older else []
                self._older[key] = _sum([*known, *members])

    def forget_before(self, moment: int) -> None:
        """Forget threads that ended before the program began."""
        self._latest = [one for one in self._latest if one.until >= moment]

    def rows(self) -> tuple[ThreadSums, ...]:
        """Return the sums, and the latest threads."""
        return (*self._older.values(), *self._latest)


def _sum(members: Sequence[ThreadSums]) -> ThreadSums:
    first, names = members[0], {one.name for one in members}
    return first._replace(
        until=first.born + sum(one.until - one.born for one in members),
        state=_ENDED,
        held=sum(one.held for one in members),
        wait=sum(one.wait for one in members),
        off=sum(one.off for one in members),
        takes=sum(one.takes for one in members),
        longest_hold=max(one.longest_hold for one in members),
        longest_wait=max(one.longest_wait for one in members),
        name=first.name if len(names) == 1 else pattern_of(first.name),
        threads=sum(one.threads for one in members),
        tids=frozenset().union(*(one.tids or {one.tid} for one in members)),
    )
