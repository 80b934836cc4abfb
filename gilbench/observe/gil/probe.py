"""The interface of a probe of the GIL, which the exact, futex, sampling, and parking probes share."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import msgspec

from gilbench.model.events import Events
from gilbench.model.profile import Blame, GilSwitch, Pause, Probe, ProfiledThread
from gilbench.model.study import Share
from gilbench.observe.running import RunningPython


class GilFigures(NamedTuple):
    """The values of a probe, from its start to now or to its end; those that it cannot see are empty or None.

    A probe fills in the GIL or parking values of a ``ProfiledThread``. The caller adds names, context switches, and
    other values from the kernel.
    """

    probe: Probe
    duration: float  # s of the profile; fractions are of this
    threads: tuple[ProfiledThread, ...] = ()  # also those that ended meanwhile
    blames: tuple[Blame, ...] = ()
    pauses: Pause | None = None
    functions: tuple[Share, ...] = ()
    native: tuple[Share, ...] = ()  # C functions that held the GIL, by samples
    start_up: float | None = None  # s of the interpreter's start that are left out
    switch: GilSwitch | None = None  # the GIL of a free-threaded build was enabled meanwhile
    unavailable: tuple[str, ...] = ()
    fault: str | None = None  # why the values are wrong: what the probe found when it checked itself
    contended: float | None = None  # as in ``Profile``
    free_wanted: float | None = None
    partial: bool = False  # another probe watched for a part of the time
    cost: float | None = None  # CPU time of the probe, as a fraction of ``duration``
    events: Events | None = None  # if recorded, and at the end only


def without_gil(thread: ProfiledThread) -> ProfiledThread:
    """Remove what a probe told of the GIL or of parking from a thread."""
    return ProfiledThread(
        pid=thread.pid, tid=thread.tid, name=thread.name, alive=thread.alive, cpu=thread.cpu
    )


def without_sums(figures: GilFigures, reason: str) -> GilFigures:
    """Remove what a probe told of the GIL from its values, and say why."""
    return figures._replace(
        probe=msgspec.structs.replace(figures.probe, strength=None),
        threads=tuple(map(without_gil, figures.threads)),
        blames=(),
        unavailable=(*figures.unavailable, reason),
    )


class Watching(Protocol):
    """A placed probe."""

    def so_far(self) -> GilFigures:
        """Return the values so far, for a live table; they may be a second old."""

    def finish(self) -> GilFigures:
        """Remove the probe and return the final values, also if the process has ended."""


class GilProbe(Protocol):
    """A way to probe the GIL; each has a line in ``choose.PROBES``."""

    def why_not(self, python: RunningPython) -> str | None:
        """Return in one line why the process cannot be probed, and the remedy; None: it can.

        Empty: the probe is for another kind of build, which needs no mention. Nothing is started, so that the call is
        cheap; ``watch`` raises what only shows when the probe is placed.
        """

    def watch(self, python: RunningPython, *, live: bool = False, max_cost: float = math.inf) -> Watching:
        """Place the probe and return as soon as it counts.

        If ``python.held``, the process still waits, before its interpreter is loaded.

        Args:
            python: The process.
            live: ``so_far`` will be called.
            max_cost: CPU time that the probe may use, as a fraction of the time that it takes. One that samples takes
                fewer samples; another is replaced by the caller.

        Raises:
            GilbenchError: The probe could not be placed, in one line. The next weaker probe is tried.
        """
