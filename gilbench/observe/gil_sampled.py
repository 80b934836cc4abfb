"""The weakest probe: samples of who holds the GIL, by py-spy. It sees no wait, and needs no probe of the kernel."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from gilbench.observe.gil_probe import GilFigures
from gilbench.observe.running import RunningPython
from gilbench.observe.stacks import RATE, Stack, StackSampler, shares
from gilbench.observe.thread_clocks import Lived, ThreadClocks
from gilbench.program import Probe, ProfiledThread

_PATIENCE = 0.02  # s between two attempts to attach to a process that has just begun
_ATTEMPTS = 5
_NAME = f"samples (py-spy, {RATE} a second): held alone, no waits"


class SampledProbe:
    """Places py-spy beside one process."""

    def why_not(self, python: RunningPython) -> str | None:
        """Say in one line why samples cannot be taken of a process; None: they can."""
        if python.free_threaded:
            return "py-spy cannot read free-threaded builds"
        return None

    def watch(self, python: RunningPython, *, live: bool = False) -> SampledWatch:
        """Start to sample; a process that is held back is sampled as soon as its interpreter is up."""
        del live  # py-spy tells nothing before its end
        return SampledWatch(python)


class SampledWatch:
    """Samples of one process; what was seen is known at the end alone."""

    def __init__(self, python: RunningPython) -> None:
        self.stacks: tuple[Stack, ...] = ()  # after ``finish``
        self._python = python
        self._began = time.monotonic()
        self._sampler: StackSampler | None = None
        self._clocks: ThreadClocks | None = None
        self._cost: ThreadClocks | None = None  # of py-spy itself
        self._up, self._stop = threading.Event(), threading.Event()
        # The kernel ends a child with the thread that started it, so this one lives as long as py-spy.
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()
        if not python.held:
            self._up.wait()

    def so_far(self) -> GilFigures:
        """Nothing yet but which threads there are."""
        return self._figures()

    def finish(self) -> GilFigures:
        """Stop sampling and say what was seen."""
        self._stop.set()
        self._keeper.join()
        return self._figures()

    def _keep(self) -> None:
        try:
            self._start()
        finally:
            self._up.set()
        self._stop.wait()
        for clocks in (self._clocks, self._cost):
            if clocks is not None:
                clocks.finish()
        if self._sampler is not None:
            self.stacks = self._sampler.finish()

    def _start(self) -> None:
        executable = Path(f"/proc/{self._python.pid}/exe")
        while self._python.held and not _runs(executable, self._python.executable):
            if self._stop.wait(_PATIENCE):
                return
        for _ in range(_ATTEMPTS):  # an interpreter that is only coming up cannot be read yet
            if self._sampler is not None:
                self._sampler.finish()
            self._sampler = StackSampler(self._python.pid)
            if self._sampler.unavailable is None or self._stop.wait(_PATIENCE):
                break
        self._clocks = ThreadClocks(self._python.pid)
        if self._sampler is not None and self._sampler.unavailable is None:
            self._cost = ThreadClocks(self._sampler.pid)

    def _figures(self) -> GilFigures:
        clocks = self._clocks
        lived = clocks.so_far() if clocks else {}
        duration = clocks.duration() if clocks else max(time.monotonic() - self._began, 1e-9)
        reason = self._sampler.unavailable if self._sampler else "the process ended before it could be read"
        # py-spy looks a little before and after the clocks do.
        samples = max(round(duration * RATE), sum(stack.samples for stack in self.stacks))
        seen = reason is None and bool(samples)
        held: Counter[int | None] = Counter()
        for stack in self.stacks:
            held[stack.tid] += stack.samples
        names = {stack.tid: stack.thread for stack in self.stacks}
        return GilFigures(
            probe=Probe(
                strength="sampled" if seen else None,
                name=_NAME,
                error=_error(samples, lived.values(), duration, self._read()) if seen else None,
            ),
            duration=duration,
            threads=tuple(
                _thread(
                    self._python.pid,
                    tid,
                    names.get(tid),
                    held[tid] / samples if seen else None,
                    one,
                    duration,
                )
                for tid, one in sorted(lived.items())
            ),
            functions=shares(self.stacks, samples).functions if seen else (),
            start_up=clocks.started - self._began if clocks and self._python.held else None,
            unavailable=(f"held: {reason}",) if reason else (),
        )

    def _read(self) -> float:
        """Seconds that a sample takes: in which py-spy ran, or waited for a CPU while the GIL went on."""
        if self._cost is None:
            return 0.0
        spent = sum(one.cpu + one.ready for one in self._cost.so_far().values())
        return spent / max(1.0, self._cost.duration() * RATE)


def _error(samples: int, lived: Iterable[Lived], duration: float, read: float) -> float:
    """Half width of the 95 % interval of any thread's share.

    Chance makes a part of it. The rest has a direction: the process is not stopped for a sample, and one in which the
    GIL changes hands is lost; a thread gives it away at most as often as it is put on a CPU. ``read`` is the s that
    a sample takes.
    """
    changes = max((one.runs for one in lived), default=0)
    return 1.96 * math.sqrt(0.25 / samples) + min(changes * read / duration, 0.5)


def _runs(executable: Path, wanted: str) -> bool:
    try:
        return str(executable.readlink()) == wanted
    except OSError:
        return False


def _thread(
    pid: int, tid: int, name: str | None, held: float | None, lived: Lived, duration: float
) -> ProfiledThread:
    alive = lived.alive / duration
    share = None if held is None else min(held, alive)
    return ProfiledThread(
        pid=pid,
        tid=tid,
        name=name,
        alive=alive,
        gil_held=share,
        off_gil=None if share is None else min(max(0.0, lived.cpu / duration - share), alive - share),
        cpu=lived.cpu,
    )
