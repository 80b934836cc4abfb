"""What happened between two looks at a running program, whose figures are counted from its start."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gilbench.program import ProfiledThread, ProgramProfile


def pieces(looks: Sequence[ProgramProfile]) -> tuple[ProgramProfile, ...]:
    """Profiles of the consecutive pieces of a program that was looked at again and again.

    Args:
        looks: Each from the start of the profile to its moment, in the order of time.
    """
    befores = (None, *looks[:-1]) if looks else ()
    found = (since(now, before) for now, before in zip(looks, befores, strict=True))
    return tuple(piece for piece in found if piece.duration > 0)


def since(now: ProgramProfile, before: ProgramProfile | None) -> ProgramProfile:
    """The figures of the time between two looks; what is not a share or a count is that of the later one."""
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
    return msgspec.structs.replace(
        now, duration=duration, threads=tuple(thread for thread in threads if thread.alive > 0)
    )


def _gained(
    now: ProfiledThread, until: float, before: ProfiledThread | None, since_start: float
) -> ProfiledThread:
    length = until - since_start

    def share(name: str) -> float | None:
        value: float | None = getattr(now, name)
        old: float | None = getattr(before, name) if before else 0.0
        if value is None or old is None:
            return None
        # The two looks are taken a moment apart from thread to thread.
        return min(1.0, max(0.0, (value * until - old * since_start) / length))

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
