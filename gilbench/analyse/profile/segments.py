"""Segments of a profile: what happened between two readings, each of which counts from the start."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gilbench.model.profile import Profile, ProfiledThread


def segments(readings: Sequence[Profile]) -> tuple[Profile, ...]:
    """Split a profile into consecutive segments.

    Args:
        readings: Profiles of the same program in order of time, each from the start to its moment.
    """
    befores = (None, *readings[:-1]) if readings else ()
    found = (since(now, before) for now, before in zip(readings, befores, strict=True))
    return tuple(segment for segment in found if segment.duration > 0)


def since(now: Profile, before: Profile | None) -> Profile:
    """Give the shares and counts of the time between two readings; everything else is of the later one."""
    if before is None:
        return now
    known = {(thread.pid, thread.tid): thread for thread in before.threads}
    duration = now.duration - before.duration
    if duration <= 0:
        return msgspec.structs.replace(now, duration=0.0)
    threads = (
        _gained(thread, now.duration, known.get((thread.pid, thread.tid)), before.duration)
        for thread in now.threads
    )
    shares = {
        name: _share(getattr(now, name), now.duration, getattr(before, name), before.duration)
        for name in ("contended", "free_wanted")
    }
    return msgspec.structs.replace(
        now, duration=duration, threads=tuple(thread for thread in threads if thread.alive > 0), **shares
    )


def _share(now: float | None, until: float, before: float | None, since: float) -> float | None:
    """Give the share of the time between two readings, from the shares of the time until each."""
    if now is None or before is None:
        return None
    # A reading takes the threads one after another, a moment apart.
    return min(1.0, max(0.0, (now * until - before * since) / (until - since)))


def _gained(
    now: ProfiledThread, until: float, before: ProfiledThread | None, since_start: float
) -> ProfiledThread:
    def share(name: str) -> float | None:
        return _share(getattr(now, name), until, getattr(before, name) if before else 0.0, since_start)

    old_cpu, old_switches = (before.cpu, before.switches) if before else (0.0, 0)
    return msgspec.structs.replace(
        now,
        alive=share("alive") or 0.0,
        gil_held=share("gil_held"),
        gil_wait=share("gil_wait"),
        off_gil=share("off_gil"),
        blocked=share("blocked"),
        cpu=None if now.cpu is None or old_cpu is None else max(0.0, now.cpu - old_cpu),
        switches=None if now.switches is None or old_switches is None else now.switches - old_switches,
    )
