"""From the sums of the exact probe's maps to the rows of a profile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from gilbench.model.profile import Blame, Bucket, Collections, ProfiledThread
from gilbench.observe.gil.exact_script import FAST
from gilbench.observe.gil.standing import Standing
from gilbench.observe.gil.thread_sums import HOLDING, RUNNING, WAITING, ThreadSums

_FEW_MISSED, _SMALL_PART = 5, 0.01  # missed events, share of the time; more is a fault


def fault(maps: Mapping[str, Any], duration: int) -> str | None:
    """Return why the sums are wrong, as the script's own check tells; None: they are right."""
    seen = maps.get("@missed") or {"count": 0, "total": 0}
    missed = seen["count"]
    if missed <= _FEW_MISSED or seen["total"] < _SMALL_PART * duration:
        return None
    return (
        f"the exact probe missed {missed} acquisitions or releases: the compiler inlined take_gil or drop_gil"
    )


def profiled(
    one: ThreadSums, start: int, end: int, maps: Mapping[str, Any], standing: Standing
) -> ProfiledThread:
    """Return the row of a thread, or of several ended ones.

    Args:
        one: Its sums.
        start: Start of the profile, in ns of CLOCK_MONOTONIC.
        end: Its end.
        maps: The maps of the script.
        standing: What threads without events did, as seen at the end.
    """
    born = max(one.born, start)
    lived = max(one.until - born, 0)
    held, wait, off = one.held, one.wait, one.off
    longest_hold, longest_wait = one.longest_hold, one.longest_wait
    state, since = one.state & 7, max(one.state >> 3, start)
    if one.first:  # it was found waiting or holding, which shows at its first release
        got = max(one.freed - 1, born)
        held, wait = held + one.first - got, wait + got - born
        longest_hold, longest_wait = max(longest_hold, one.first - got), max(longest_wait, got - born)
    untouched = not one.first and not one.takes and one.state & 7 < WAITING
    if untouched and one.tid in standing:
        state, since, off = {"held": HOLDING, "wait": WAITING}[standing[one.tid]], born, 0
    open_for = max(one.until - since, 0)
    if state == HOLDING:
        held, longest_hold = held + open_for, max(longest_hold, open_for)
    elif state == WAITING:
        wait, longest_wait = wait + open_for, max(longest_wait, open_for)
    elif state in RUNNING:
        off += open_for
    wall = end - start
    return ProfiledThread(
        pid=one.pid,
        tid=one.tid,
        name=one.name,
        alive=lived / wall,
        gil_held=held / wall,
        gil_wait=wait / wall,
        off_gil=off / wall,
        blocked=max(lived - held - wait - off, 0) / wall,
        switches=one.takes,
        longest_hold=longest_hold * 1e-9,
        longest_wait=longest_wait * 1e-9,
        waits=buckets_of(one, maps),
        collections=_collections(one, maps),
        count=one.threads,
    )


def _collections(one: ThreadSums, maps: Mapping[str, Any]) -> Collections | None:
    tids = [str(tid) for tid in one.tids or {one.tid}]
    seen = [found for tid in tids if (found := maps.get("@collections", {}).get(tid)) is not None]
    if not seen:
        return None
    return Collections(
        count=sum(found["count"] for found in seen),
        seconds=sum(found["total"] for found in seen) * 1e-9,
        longest=max(maps.get("@longest_collection", {}).get(tid, 0) for tid in tids) * 1e-9,
    )


def buckets_of(one: ThreadSums, maps: Mapping[str, Any]) -> tuple[Bucket, ...]:
    """Return the histogram of waits, once it is known; acquisitions without a wait are the first bucket."""
    if "@waits" not in maps:
        return ()
    histograms, counts = maps.get("@waits", {}), Counter[tuple[int, int]]()
    for tid in one.tids or {one.tid}:
        for bucket in histograms.get(str(tid), ()):
            counts[bucket["min"], bucket["max"] + 1] += bucket["count"]
    long = [
        Bucket(lo=lo * 1e-9, hi=hi * 1e-9, count=count) for (lo, hi), count in sorted(counts.items()) if count
    ]
    fast = one.takes - sum(bucket.count for bucket in long)
    return (
        *([Bucket(lo=0.0, hi=int(maps.get("@fast", FAST)) * 1e-9, count=fast)] if fast > 0 else ()),
        *long,
    )


def blames(maps: Mapping[str, Any]) -> tuple[Blame, ...]:
    """Return who held the GIL when others began to wait for it, the longest waits first."""
    seconds, counts = maps.get("@blame", {}), maps.get("@blames", {})
    found = []
    for pair, total in seconds.items():
        holder, waiter = map(int, pair.split(","))
        if holder in {0, waiter}:  # it had just released the GIL, and the next holder was not yet known
            continue
        found.append(Blame(holder=holder, waiter=waiter, seconds=total * 1e-9, count=counts.get(pair, 0)))
    return tuple(sorted(found, key=lambda blame: -blame.seconds))
