"""The probe of a free-threaded build, which has no GIL to hold: it times where the threads are parked."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Callable, Sequence

from gilbench.interpreters.image import Image, read_image
from gilbench.model.errors import UsageError
from gilbench.model.profile import UNKNOWN_LOCK, Probe, ProfiledThread
from gilbench.observe import bpftrace, bpftrace_access
from gilbench.observe.architecture import architecture
from gilbench.observe.gil import parking
from gilbench.observe.gil.lines import ParkingLine
from gilbench.observe.gil.parking import Code, ParkedThread
from gilbench.observe.gil.probe import GilFigures
from gilbench.observe.running import RunningPython
from gilbench.observe.thread_clocks import Lived, ThreadClocks

OnGil = Callable[
    [float, str | None], None
]  # s since the start, and the module: an import has enabled the GIL

_SHORT = 1e-3  # s
_NAME = "exact (bpftrace: _PyParkingLot_Park, PyMutex_Lock, stop_the_world)"


class ParkingProbe:
    """Places the parking probes in one process."""

    def why_not(self, python: RunningPython) -> str | None:
        """Return in one line why the process cannot be probed; None: it can; empty: it has a GIL."""
        if not python.free_threaded:
            return ""
        if python.gil_enabled:
            return (
                "the GIL of this free-threaded build is enabled, so threads wait for the GIL and rarely park"
            )
        known = architecture()
        if known is None or not known.returns_on_stack:
            return (
                f"callers of parking functions are found on the stack of x86-64, not on {platform.machine()}"
            )
        try:
            image = read_image(python.code)
        except (OSError, ValueError) as error:
            return f"cannot read symbols: {error}"
        missing = [name for name in parking.NEEDED if image.place(name) is None]
        if missing:
            return f"{python.code.name} has no symbol {missing[0]}, the function that parks threads"
        return bpftrace_access.why_not()

    def watch(
        self,
        python: RunningPython,
        *,
        live: bool = False,
        max_cost: float = math.inf,
        on_gil: OnGil | None = None,
    ) -> ParkingWatch:
        """Place the probes and return as soon as they count.

        Args:
            python: The process.
            live: ``so_far`` will be called.
            max_cost: It is for the caller to replace this probe.
            on_gil: Called if an import enables the GIL, in a thread of the probe's.

        Raises:
            GilbenchError: The probes could not be placed.
        """
        del max_cost
        return ParkingWatch(python, live=live, on_gil=on_gil)


class ParkingWatch:
    """The parking probes in one process."""

    def __init__(self, python: RunningPython, *, live: bool, on_gil: OnGil | None = None) -> None:
        try:
            self._image: Image = read_image(python.code)
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot read symbols: {error}") from error
        self._codes: dict[int, Code] = {}
        self._names: dict[int, str] = {}
        self._on_gil = on_gil
        self._children = python.children
        text = parking.script_for(self._image, python, live=live)
        self._pid = python.pid
        self._start_up: float | None = None
        self._clocks = ThreadClocks(python.pid, python.executable if python.held else None)
        self._script = bpftrace.Script(text, pid=python.pid, on_line=self._hear, keys=65536)

    def so_long(self) -> float:
        """Return the seconds since the start of the program, or of the watch."""
        return time.monotonic() - self._clocks.started

    def so_far(self) -> GilFigures:
        """Return the values so far."""
        return self._figures(dict(self._script.maps), self._clocks.so_far())

    def finish(self) -> GilFigures:
        """Remove the probes and return the final values."""
        lived = self._clocks.finish()
        return self._figures(self._script.finish(), lived)

    def _hear(self, line: str) -> None:
        if line.strip() == ParkingLine.MAIN:
            started = self._clocks.started
            self._clocks.finish()
            self._clocks = ThreadClocks(self._pid)
            self._start_up = self._clocks.started - started
        elif (found := parking.read_code(line)) is not None:
            self._codes[found[0]] = found[1]
        elif (named := parking.read_name(line)) is not None:
            self._names[named[0]] = named[1]
        elif (enabled := parking.read_gil(line)) is not None and self._on_gil is not None:
            self._on_gil(max(0.0, enabled[0] * 1e-9 - self._clocks.started), enabled[1])

    def _figures(self, maps: dict[str, object], lived: dict[int, Lived]) -> GilFigures:
        seen = parking.read(maps, self._codes, self._image)
        duration = self._clocks.duration()
        nothing = Lived(0.0, 0.0)  # it lived between two samples
        threads = tuple(
            _thread(
                self._pid, tid, self._names.get(tid), seen.threads.get(tid), lived.get(tid, nothing), duration
            )
            for tid in sorted(lived.keys() | seen.threads.keys())
        )
        return GilFigures(
            probe=Probe(strength="exact", name=_NAME, lost=self._script.lost),
            duration=duration,
            threads=threads,
            pauses=seen.pauses,
            functions=seen.functions,
            start_up=self._start_up,
            unavailable=tuple(self._unavailable(threads)),
            cost=None if (used := self._script.used()) is None else used / max(duration, _SHORT),
        )

    def _unavailable(self, threads: Sequence[ProfiledThread]) -> list[str]:
        reasons = []
        if any(one.kind == UNKNOWN_LOCK for thread in threads for one in thread.parked):
            reasons.append("owners of locks: the build is stripped; waits for such locks count as blocked")
        if self._image.place("stop_the_world") is None:
            reasons.append("stop-the-world pauses: the build is stripped and has no symbol stop_the_world")
        if parking.frame_layout(self._image) is None:
            reasons.append(
                "Python functions that park: the frames of this version are not known; C functions are shown instead"
            )
        if self._children:
            reasons.append("parking of child processes: only the process itself is probed")
        return reasons


def _thread(
    pid: int, tid: int, name: str | None, parked: ParkedThread | None, lived: Lived, duration: float
) -> ProfiledThread:
    wait = min(parked.wait if parked else 0.0, lived.alive)
    # On the CPU for its own work: spinning for a lock is a wait.
    off = min(max(0.0, lived.cpu - (parked.spun if parked else 0.0)), lived.alive)
    return ProfiledThread(
        pid=pid,
        tid=tid,
        name=name,
        alive=lived.alive / duration,
        gil_wait=wait / duration,
        off_gil=off / duration,
        # What a thread does between being woken and being on the CPU lies in both, and is little.
        blocked=max(0.0, lived.alive - wait - off) / duration,
        cpu=lived.cpu,
        longest_wait=parked.longest if parked else 0.0,
        waits=parked.waits if parked else (),
        parked=parked.parked if parked else (),
    )
