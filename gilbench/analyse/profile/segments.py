"""Segments of a profile: what happened between two readings, each of which counts from the start."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from gilbench.model.profile import Profile, ProfiledThread
from gilbench.model.threads import pattern_of, sum_of, summed_up

_SINGLE = 32  # threads of one pattern that a segment keeps singly
_SHARES = ("alive", "gil_held", "gil_wait", "off_gil", "blocked")
_COUNTS = ("cpu", "switches")
_OF_GIL = ("contended", "free_wanted")

Key = tuple[int, int | str | None]  # pid, and the tid of a thread or the pattern of many


class Segments:
    """Collects the segments of a profile while it is taken, in memory that does not grow with ended threads.

    Args:
        most: Number of segments; of more, neighbors are joined.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: list[Profile] = []
        self._last: Profile | None = None

    def add(self, reading: Profile) -> bool:
        """Add the profile from the start to now; return whether the segments were joined to half their number."""
        compact = _compact(reading)
        if self._last is not None and self._last.process.gil_switch != reading.process.gil_switch:
            self._found.clear()  # a reading before the GIL came back is of another time, and of other waits
        segment = since(compact, self._last)
        self._last = compact
        if segment.duration > 0:
            self._found.append(segment)
        if len(self._found) <= self._most:
            return False
        pairs = zip(self._found[::2], self._found[1::2], strict=False)
        left = self._found[-1:] if len(self._found) % 2 else []
        self._found = [*(joined(first, second) for first, second in pairs), *left]
        return True

    def finish(self, reading: Profile) -> tuple[Profile, ...]:
        """Return all segments up to the complete profile."""
        self.add(reading)
        return tuple(self._found)


def segments(readings: Sequence[Profile]) -> tuple[Profile, ...]:
    """Split a profile into consecutive segments.

    Args:
        readings: Profiles of the same program in order of time, each from the start to its moment.
    """
    found = Segments(len(readings))
    for reading in readings[:-1]:
        found.add(reading)
    return found.finish(readings[-1]) if readings else ()


def since(now: Profile, before: Profile | None) -> Profile:
    """Give the shares and counts of the time between two readings; everything else is of the later one."""
    if before is None or before.process.gil_switch != now.process.gil_switch:
        return now
    duration = now.duration - before.duration
    if duration <= 0:
        return msgspec.structs.replace(now, duration=0.0)
    sums = {(thread.pid, pattern_of(thread.name)) for thread in now.threads if thread.count > 1}
    known = _by_key(before.threads, sums)
    threads = (
        _gained(thread, now.duration, known.get(_key(thread, sums)), before.duration)
        for thread in now.threads
    )
    shares = {
        name: _share(getattr(now, name), now.duration, getattr(before, name), before.duration)
        for name in _OF_GIL
    }
    return msgspec.structs.replace(
        now, duration=duration, threads=tuple(thread for thread in threads if thread.alive > 0), **shares
    )


def joined(first: Profile, second: Profile) -> Profile:
    """Give one segment for two that follow each other."""
    threads = (*first.threads, *second.threads)
    sums = {(thread.pid, pattern_of(thread.name)) for thread in threads if thread.count > 1}
    before, after = _by_key(first.threads, sums), _by_key(second.threads, sums)
    duration = first.duration + second.duration
    return msgspec.structs.replace(
        second,
        duration=duration,
        threads=tuple(
            _together(before.get(key), after.get(key), first.duration / duration)
            for key in dict.fromkeys((*before, *after))
        ),
        **{
            name: _mean(getattr(first, name), getattr(second, name), first.duration / duration)
            for name in _OF_GIL
        },
    )


def _share(
    now: float | None, until: float, before: float | None, since: float, most: float = 1.0
) -> float | None:
    """Give the share of the time between two readings, from the shares of the time until each."""
    if now is None or before is None:
        return None
    # A reading takes the threads one after another, a moment apart.
    return min(most, max(0.0, (now * until - before * since) / (until - since)))


def _mean(first: float | None, second: float | None, weight: float) -> float | None:
    """Give the mean of two shares; the first one has the weight."""
    return None if first is None or second is None else first * weight + second * (1.0 - weight)


def _compact(reading: Profile) -> Profile:
    """Leave out of a reading what no segment needs."""
    threads = (msgspec.structs.replace(thread, waits=(), parked=()) for thread in reading.threads)
    return msgspec.structs.replace(
        reading,
        threads=summed_up(tuple(threads), _SINGLE).threads,
        blames=(),
        syscalls=(),
        functions=(),
        stacks=(),
    )


def _key(thread: ProfiledThread, sums: set[tuple[int, str | None]]) -> Key:
    pattern = pattern_of(thread.name)
    return thread.pid, pattern if (thread.pid, pattern) in sums else thread.tid


def _by_key(
    threads: Iterable[ProfiledThread], sums: set[tuple[int, str | None]]
) -> Mapping[Key, ProfiledThread]:
    found: defaultdict[Key, list[ProfiledThread]] = defaultdict(list)
    for thread in threads:
        found[_key(thread, sums)].append(thread)
    return {
        key: sum_of(several, pattern_of(several[0].name)) if len(several) > 1 else several[0]
        for key, several in found.items()
    }


def _gained(
    now: ProfiledThread, until: float, before: ProfiledThread | None, since_start: float
) -> ProfiledThread:
    def share(name: str) -> float | None:
        old = getattr(before, name) if before else 0.0
        return _share(getattr(now, name), until, old, since_start, float(now.count))

    old_cpu, old_switches = (before.cpu, before.switches) if before else (0.0, 0)
    return msgspec.structs.replace(
        now,
        alive=share("alive") or 0.0,
        gil_held=share("gil_held"),
        gil_wait=share("gil_wait"),
        off_gil=share("off_gil"),
        blocked=share("blocked"),
        cpu=None if now.cpu is None or old_cpu is None else max(0.0, now.cpu - old_cpu),
        switches=None
        if now.switches is None or old_switches is None
        else max(0, now.switches - old_switches),
    )


def _together(first: ProfiledThread | None, second: ProfiledThread | None, part: float) -> ProfiledThread:
    """Join what a thread did in two segments; ``part`` is the first one's part of their time."""
    last = second or first
    assert last is not None  # noqa: S101 - a key of either
    fields: dict[str, Any] = {}
    for name in _SHARES:
        values = [0.0 if one is None else getattr(one, name) for one in (first, second)]
        fields[name] = None if None in values else values[0] * part + values[1] * (1 - part)
    for name in _COUNTS:
        values = [0 if one is None else getattr(one, name) for one in (first, second)]
        fields[name] = None if None in values else sum(values)
    return msgspec.structs.replace(last, **fields)
