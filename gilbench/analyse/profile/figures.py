"""The values of a profile by the names of ``PROFILE_METRICS``, for all threads or some of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gilbench.model.profile import Profile, ProfiledThread
from gilbench.model.profile_results import ProfileFigure
from gilbench.model.threads import sum_of


def figures(profile: Profile, threads: Sequence[ProfiledThread]) -> dict[str, ProfileFigure]:
    """Return the values of some threads that are known; shares are sums over the threads."""
    return dict(_figures(profile, threads)) if threads else {}


def whole(profile: Profile) -> dict[str, ProfileFigure]:
    """Return the values of the program that are known."""
    return {**figures(profile, profile.threads), **dict(_of_the_program(profile))}


def _of_the_program(profile: Profile) -> Iterator[tuple[str, ProfileFigure]]:
    process = profile.process
    yield "duration", ProfileFigure(value=profile.duration)
    if process.cpu is not None:
        yield "cpu", ProfileFigure(value=process.cpu)
        if profile.counted > 0:
            yield "cpus", ProfileFigure(value=process.cpu / profile.counted)
    if process.memory_peak is not None:
        yield "memory_peak", ProfileFigure(value=float(process.memory_peak))


def _figures(profile: Profile, threads: Sequence[ProfiledThread]) -> Iterator[tuple[str, ProfileFigure]]:
    total, error = sum_of(threads), profile.probe.error
    locks = profile.process.gil_enabled is False
    wait_error = error if profile.probe.strength == "sampled" else None  # other probes count waits
    held, wait, off = total.gil_held, total.gil_wait, total.off_gil
    if held is not None:
        yield "gil_held", _within(held, error)
    if wait is not None:
        yield "parked" if locks else "gil_wait", _within(wait, wait_error)
        if held is not None and off is not None and (runnable := held + wait + off) > 0:
            yield "wait_share", _within(wait / runnable, error / runnable if error else None)
    if off is not None:
        yield "off_gil", _within(off, error)
    if total.longest_hold is not None:
        yield "longest_hold", ProfileFigure(value=total.longest_hold)
    if total.longest_wait is not None:
        yield "longest_wait", ProfileFigure(value=total.longest_wait)
    if total.switches is not None and profile.duration > 0:
        yield "acquires", ProfileFigure(value=total.switches / profile.duration)
    if total.cpu is not None:
        yield "cpu", ProfileFigure(value=total.cpu)
        if profile.duration > 0:
            yield "cpus", ProfileFigure(value=total.cpu / profile.duration)


def _within(value: float, error: float | None) -> ProfileFigure:
    if not error:
        return ProfileFigure(value=value)
    return ProfileFigure(value=value, lo=max(0.0, value - error), hi=value + error)
