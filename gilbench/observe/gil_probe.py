"""What a probe of the GIL is: the one shape that the exact, futex, sampling and parking probes share."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from gilbench.model import Share
from gilbench.observe.running import RunningPython
from gilbench.program import Blame, Pause, Probe, ProfiledThread


class GilFigures(NamedTuple):
    """What a probe saw, from its start to now or to its end; what it cannot see stays empty or None.

    A probe fills of a ``ProfiledThread`` what it knows of the GIL or of parking. Names, context switches
    and what else the kernel tells of each thread are added by the caller.
    """

    probe: Probe
    duration: float  # s of the profile; fractions are of this
    threads: tuple[ProfiledThread, ...] = ()  # also those that ended meanwhile
    blames: tuple[Blame, ...] = ()
    pauses: Pause | None = None
    functions: tuple[Share, ...] = ()
    start_up: float | None = None  # s of the interpreter's start that are left out
    unavailable: tuple[str, ...] = ()


class Watching(Protocol):
    """A probe that is placed."""

    def so_far(self) -> GilFigures:
        """What was seen until now, for a table that is drawn again and again; may be a second old."""

    def finish(self) -> GilFigures:
        """Remove the probe and say what it saw. Safe where the process has ended meanwhile."""


class GilProbe(Protocol):
    """One way to look at the GIL; a module is a registry line in ``gil.PROBES``."""

    def why_not(self, python: RunningPython) -> str | None:
        """Say in one line why this probe cannot look at a process, and what would help; None: it can.

        Empty: it is for another kind of build, which is no reason to name. Cheap: nothing is started. What
        only shows when the probe is placed is raised by ``watch``.
        """

    def watch(self, python: RunningPython, *, live: bool = False) -> Watching:
        """Place the probe and return once it counts.

        ``python.held`` says that the process waits to be let go, before its interpreter is even loaded.

        Args:
            python: The process.
            live: ``so_far`` will be called.

        Raises:
            GilbenchError: It could not be placed; one line. The next weaker probe is tried.
        """
