"""The rows of threads that a page shows: threads with names of one pattern are a group if there are many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gilbench.model.profile import Blame, ProfiledThread
from gilbench.model.threads import merged, pattern_of, sum_of

SINGLE = 8  # threads of one pattern that have rows of their own
_HOLDER = 0.1  # of the time; a thread that held the GIL longer has a row of its own in any case


class Row(NamedTuple):
    """A thread, or a group of threads."""

    label: str  # unique among the rows of a profile
    total: ProfiledThread  # of a group: the sum
    unnamed: int = 0  # threads of the group whose own names are unknown

    @property
    def many(self) -> bool:
        """Whether this is a group."""
        return self.total.count > 1


class Rows(NamedTuple):
    """The rows of a profile, in the order of their first threads."""

    rows: tuple[Row, ...]
    row_of: dict[int, int]  # number of the row, by tid

    def label(self, tid: int) -> str:
        """Return the label of a thread's row."""
        return self.rows[self.row_of[tid]].label if tid in self.row_of else f"thread {tid}"

    def blames(self, blames: Sequence[Blame]) -> tuple[Blame, ...]:
        """Add up blames by row, longest first; their holders and waiters are numbers of rows."""
        known = (blame for blame in blames if {blame.holder, blame.waiter} <= self.row_of.keys())
        return merged(known, self.row_of)


def rows_of(threads: Sequence[ProfiledThread], *, apart: float = SINGLE) -> Rows:
    """Group the threads of a profile.

    Threads that ended before their names could be read are counted with the group, if a process has only one.

    Args:
        threads: The threads.
        apart: Number of threads of one pattern up to which they have rows of their own; 1: threads of one pattern
            always share a row, also the top holders.
    """
    several = len({thread.pid for thread in threads}) > 1
    groups: defaultdict[tuple[int, str | None], list[ProfiledThread]] = defaultdict(list)
    single: list[ProfiledThread] = []
    for thread in threads:
        alone = apart > 1 and thread.count == 1 and (thread.gil_held or 0.0) >= _HOLDER
        (single if alone else groups[thread.pid, pattern_of(thread.name)]).append(thread)
    for key in list(groups):
        if sum(thread.count for thread in groups[key]) <= apart:
            single += groups.pop(key)
    unnamed = dict(_adopt(groups))
    places = {id(thread): number for number, thread in enumerate(threads)}
    found: list[tuple[list[ProfiledThread], Row]] = [
        (members, _group(members, pattern, unnamed.get((pid, pattern), 0), several))
        for (pid, pattern), members in groups.items()
    ]
    names = _names(single)
    found += [([one], Row(_labelled(names[id(one)], one.pid, several), one)) for one in single]
    found.sort(key=lambda one: min(places[id(member)] for member in one[0]))
    row_of = {member.tid: number for number, (members, _) in enumerate(found) for member in members}
    return Rows(tuple(row for _, row in found), row_of)


def _adopt(
    groups: dict[tuple[int, str | None], list[ProfiledThread]],
) -> Iterator[tuple[tuple[int, str | None], int]]:
    """Move nameless threads of each process to its only named group; yield that group and their number."""
    for pid in {pid for pid, _ in groups}:
        named = [key for key in groups if key[0] == pid and key[1] is not None]
        ran = [thread for thread in groups.get((pid, None), ()) if thread.switches]
        if len(named) == 1 and ran:
            others = [thread for thread in groups.pop((pid, None)) if not thread.switches]
            groups[named[0]] += ran
            if others:
                groups[pid, None] = others
            yield named[0], sum(thread.count for thread in ran)


def _group(members: Sequence[ProfiledThread], pattern: str | None, unnamed: int, several: bool) -> Row:
    names = {member.name for member in members if member.name is not None}
    name = "unnamed" if pattern is None else names.pop() if len(names) == 1 else pattern
    total = sum_of(members, name)
    return Row(_labelled(f"{name} ({total.count} threads)", total.pid, several), total, unnamed)


def _names(threads: Sequence[ProfiledThread]) -> dict[int, str]:
    """Give each thread a unique name, by the thread's identity."""
    shared: defaultdict[tuple[int, str | None], int] = defaultdict(int)
    for thread in threads:
        shared[thread.pid, thread.name] += 1
    return {
        id(thread): f"thread {thread.tid}"
        if not thread.name
        else f"{thread.name} ({thread.count} threads)"
        if thread.count > 1
        else thread.name
        if shared[thread.pid, thread.name] == 1
        else f"{thread.name} ({thread.tid})"
        for thread in threads
    }


def _labelled(name: str, pid: int, several: bool) -> str:
    return f"{name} [{pid}]" if several else name
