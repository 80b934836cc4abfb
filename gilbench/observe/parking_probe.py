"""The probe of a free-threaded build: there is no GIL to hold, so it times what the threads are parked on."""

from __future__ import annotations

from gilbench.errors import UsageError
from gilbench.interpreters.image import Image, read_image
from gilbench.observe import bpftrace, parking
from gilbench.observe.gil_probe import GilFigures
from gilbench.observe.layout import published_offsets
from gilbench.observe.parking import Code, ParkedThread
from gilbench.observe.running import RunningPython
from gilbench.observe.thread_clocks import Lived, ThreadClocks
from gilbench.program import Probe, ProfiledThread

_NAME = "exact (bpftrace: _PyParkingLot_Park, PyMutex_Lock, stop_the_world)"


class ParkingProbe:
    """Places the parking probes in one process."""

    def why_not(self, python: RunningPython) -> str | None:
        """Say in one line why these probes cannot look at a process; None: they can; empty: it has a GIL."""
        if not python.free_threaded:
            return ""
        if python.gil_enabled:
            return "the GIL is enabled on this free-threaded build: threads wait for it, and park little"
        try:
            image = read_image(python.code)
        except (OSError, ValueError) as error:
            return f"no symbols can be read: {error}"
        missing = [name for name in parking.NEEDED if image.place(name) is None]
        if missing:
            return f"{python.code.name} has no symbol {missing[0]}, where threads are parked"
        return bpftrace.why_not()

    def watch(self, python: RunningPython, *, live: bool = False) -> ParkingWatch:
        """Place the probes and return once they count.

        Raises:
            GilbenchError: They could not be placed.
        """
        return ParkingWatch(python, live=live)


class ParkingWatch:
    """The parking probes of one process, placed."""

    def __init__(self, python: RunningPython, *, live: bool) -> None:
        try:
            self._image: Image = read_image(python.code)
        except (OSError, ValueError) as error:
            raise UsageError(f"no symbols can be read: {error}") from error
        self._codes: dict[int, Code] = {}
        self._children = python.children
        text = parking.script(
            self._image, bpftrace.quoted(str(python.code)), f"pid == {python.pid}", live=live
        )
        self._pid = python.pid
        self._start_up: float | None = None
        self._clocks = ThreadClocks(python.pid, python.executable if python.held else None)
        self._script = bpftrace.Script(text, pid=python.pid, on_line=self._hear, keys=65536)

    def so_far(self) -> GilFigures:
        """What was seen until now."""
        return self._figures(dict(self._script.maps), self._clocks.so_far())

    def finish(self) -> GilFigures:
        """Remove the probes and say what they saw."""
        lived = self._clocks.finish()
        return self._figures(self._script.finish(), lived)

    def _hear(self, line: str) -> None:
        if line.strip() == parking.BEGIN:
            started = self._clocks.started
            self._clocks.finish()
            self._clocks = ThreadClocks(self._pid)
            self._start_up = self._clocks.started - started
        found = parking.read_code(line)
        if found is not None:
            self._codes[found[0]] = found[1]

    def _figures(self, maps: dict[str, object], lived: dict[int, Lived]) -> GilFigures:
        seen = parking.read(maps, self._codes, self._image)
        duration = self._clocks.duration()
        nothing = Lived(0.0, 0.0)  # it came and went between two looks
        threads = tuple(
            _thread(self._pid, tid, seen.threads.get(tid), lived.get(tid, nothing), duration)
            for tid in sorted(lived.keys() | seen.threads.keys())
        )
        return GilFigures(
            probe=Probe(strength="exact", name=_NAME, lost=self._script.lost),
            duration=duration,
            threads=threads,
            pauses=seen.pauses,
            functions=seen.functions,
            start_up=self._start_up,
            unavailable=tuple(self._unavailable()),
        )

    def _unavailable(self) -> list[str]:
        reasons = []
        if self._image.place("stop_the_world") is None:
            reasons.append("stop-the-world pauses: the build is stripped, stop_the_world has no symbol")
        if published_offsets(self._image) is None:
            reasons.append(
                "Python functions that park: only 3.13 publishes where its frames are in a form that is read;"
                " the functions of C are named instead"
            )
        if self._children:
            reasons.append("parking of child processes: the process itself alone is looked at")
        return reasons


def _thread(pid: int, tid: int, parked: ParkedThread | None, lived: Lived, duration: float) -> ProfiledThread:
    wait = min(parked.wait if parked else 0.0, lived.alive)
    # On the CPU for its own work: spinning for a lock is a wait.
    off = min(max(0.0, lived.cpu - (parked.spun if parked else 0.0)), lived.alive)
    return ProfiledThread(
        pid=pid,
        tid=tid,
        name=None,
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
