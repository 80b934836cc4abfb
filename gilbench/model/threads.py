"""Threads by the pattern of their names: the sum of several threads, and the longest times of all."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from gilbench.model.profile import Blame, Blocked, Bucket, Collections, Parked, ProfiledThread

_DIGITS = re.compile(r"\d+")
_SHARES = ("alive", "gil_held", "gil_wait", "off_gil", "blocked")
_SUMS = (*_SHARES, "cpu", "switches", "context_switches", "looks")
_LONGEST = ("longest_hold", "longest_wait")


class Summed(NamedTuple):
    """Threads of which many have one row, and the blames between the rows."""

    threads: tuple[ProfiledThread, ...]
    blames: tuple[Blame, ...] = ()
    blocked: tuple[Blocked, ...] = ()


def pattern_of(name: str | None) -> str | None:
    """Return the pattern of a thread's name: ``request-17`` is one of ``request-*``."""
    return None if name is None else _DIGITS.sub("*", name)


def sum_of(threads: Sequence[ProfiledThread], name: str | None = None) -> ProfiledThread:
    """Combine threads into one: the sums of their shares and counts, and the longest times of all.

    Args:
        threads: At least one thread.
        name: Name of the sum.
    """
    fields: dict[str, Any] = {}
    for field in _SUMS:
        values = [getattr(thread, field) for thread in threads]
        fields[field] = None if None in values else sum(values)
    for field in _LONGEST:
        known = (value for thread in threads if (value := getattr(thread, field)) is not None)
        fields[field] = max(known, default=None)
    return ProfiledThread(
        pid=threads[0].pid,
        tid=threads[0].tid,
        name=name,
        waits=waits_of(threads),
        parked=parked_by_kind(threads),
        collections=_collections_of(threads),
        count=sum(thread.count for thread in threads),
        **fields,
    )


def waits_of(threads: Iterable[ProfiledThread]) -> tuple[Bucket, ...]:
    """Add up the waits of all threads by length, shortest first."""
    counts: defaultdict[tuple[float, float], int] = defaultdict(int)
    for thread in threads:
        for bucket in thread.waits:
            counts[bucket.lo, bucket.hi] += bucket.count
    return tuple(Bucket(lo=lo, hi=hi, count=count) for (lo, hi), count in sorted(counts.items()) if count)


def parked_by_kind(threads: Iterable[ProfiledThread]) -> tuple[Parked, ...]:
    """Sum the parked time of all threads by kind of lock, longest first."""
    kinds: dict[str, Parked] = {}
    for parked in (one for thread in threads for one in thread.parked):
        known = kinds.get(parked.kind, Parked(kind=parked.kind, seconds=0.0, count=0, longest=0.0))
        kinds[parked.kind] = Parked(
            kind=parked.kind,
            seconds=known.seconds + parked.seconds,
            count=known.count + parked.count,
            longest=max(known.longest, parked.longest),
        )
    return tuple(sorted(kinds.values(), key=lambda one: -one.seconds))


def _collections_of(threads: Iterable[ProfiledThread]) -> Collections | None:
    seen = [thread.collections for thread in threads if thread.collections is not None]
    if not seen:
        return None
    return Collections(
        count=sum(one.count for one in seen),
        seconds=sum(one.seconds for one in seen),
        longest=max(one.longest for one in seen),
    )


def summed_up(
    threads: Sequence[ProfiledThread],
    most: int,
    blames: Sequence[Blame] = (),
    blocked: Sequence[Blocked] = (),
) -> Summed:
    """Give each thread its row, except where a process has many threads of one pattern, which share a row.

    Args:
        threads: The threads.
        most: Number of threads of one pattern that have rows of their own.
        blames: Waits between the threads.
        blocked: Sleeps of the threads.
    """
    patterns: defaultdict[tuple[int, str | None], list[ProfiledThread]] = defaultdict(list)
    for thread in threads:
        patterns[thread.pid, pattern_of(thread.name)].append(thread)
    many = {key: found for key, found in patterns.items() if sum(one.count for one in found) > most}
    if not many:
        return Summed(tuple(threads), tuple(blames), tuple(blocked))
    alone = [thread for thread in threads if (thread.pid, pattern_of(thread.name)) not in many]
    rows = (*alone, *(sum_of(found, pattern) for (_, pattern), found in many.items()))
    row_of = {thread.tid: found[0].tid for found in many.values() for thread in found}
    return Summed(rows, merged(blames, row_of), merged_sleeps(blocked, row_of))


def merged(blames: Iterable[Blame], row_of: dict[int, int]) -> tuple[Blame, ...]:
    """Add up blames between rows, longest first.

    Args:
        blames: Blames between threads.
        row_of: The row of a thread, by tid; a thread that is missing is a row of its own.
    """
    sums: dict[tuple[int, int], Blame] = {}
    for blame in blames:
        holder, waiter = (row_of.get(tid, tid) for tid in (blame.holder, blame.waiter))
        known = sums.get((holder, waiter), Blame(holder=holder, waiter=waiter, seconds=0.0, count=0))
        sums[holder, waiter] = msgspec.structs.replace(
            known, seconds=known.seconds + blame.seconds, count=known.count + blame.count
        )
    return tuple(sorted(sums.values(), key=lambda blame: -blame.seconds))


def merged_sleeps(blocked: Iterable[Blocked], row_of: dict[int, int]) -> tuple[Blocked, ...]:
    """Add up sleeps by row, most samples first; ``row_of`` as for ``merged``."""
    sums: defaultdict[Blocked, float] = defaultdict(float)
    for one in blocked:
        row = msgspec.structs.replace(one, tid=row_of.get(one.tid, one.tid), samples=0.0)
        sums[row] += one.samples
    found = (msgspec.structs.replace(one, samples=samples) for one, samples in sums.items())
    return tuple(sorted(found, key=lambda one: -one.samples))
