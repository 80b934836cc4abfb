"""The weakest probe: samples of the GIL's holder, by py-spy. It sees no waits, and needs no kernel probe."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from gilbench.model.profile import Probe, ProfiledThread, Stack
from gilbench.observe.gil.probe import GilFigures
from gilbench.observe.running import RunningPython
from gilbench.observe.stacks import RATE, StackSampler, shares
from gilbench.observe.thread_clocks import Lived, ThreadClocks

_RETRY = 0.02  # s between two attempts to attach to a process that has just begun
_ATTEMPTS = 5
_NAME = f"sampled (py-spy, {RATE} samples/s): GIL held only, no GIL wait"


class SampledProbe:
    """Starts py-spy on one process."""

    def why_not(self, python: RunningPython) -> str | None:
        """Return in one line why the process cannot be sampled; None: it can."""
        if python.free_threaded:
            return "py-spy cannot read free-threaded builds"
        return None

    def watch(self, python: RunningPython, *, live: bool = False, max_cost: float = math.inf) -> SampledWatch:
        """Start sampling. A held process is sampled as soon as its interpreter has started."""
        del live, max_cost  # py-spy writes nothing before its end
        return SampledWatch(python)


class SampledWatch:
    """Samples of one process; they are known at the end only."""

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
        """Return which threads there are; nothing else is known yet."""
        return self._figures()

    def finish(self) -> GilFigures:
        """Stop sampling and return the final values."""
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
            if self._stop.wait(_RETRY):
                return
        for _ in range(_ATTEMPTS):  # an interpreter that is only coming up cannot be read yet
            if self._sampler is not None:
                self._sampler.finish()
            self._sampler = StackSampler(self._python.pid)
            if self._sampler.unavailable is None or self._stop.wait(_RETRY):
                break
        self._clocks = ThreadClocks(self._python.pid)
        if self._sampler is not None and self._sampler.unavailable is None:
            self._cost = ThreadClocks(self._sampler.pid)

    def _figures(self) -> GilFigures:
        clocks = self._clocks
        lived = clocks.so_far() if clocks else {}
        duration = clocks.duration() if clocks else max(time.monotonic() - self._began, 1e-9)
        reason = self._sampler.unavailable if self._sampler else "the process ended before it could be read"
        # py-spy samples a little longer than the clocks.
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
            cost=self._spent() / duration,
            start_up=clocks.started - self._began if clocks and self._python.held else None,
            unavailable=(f"GIL held: {reason}",) if reason else (),
        )

    def _spent(self) -> float:
        """Seconds of CPU time that py-spy has used."""
        return sum(one.cpu for one in self._cost.so_far().values()) if self._cost is not None else 0.0

    def _read(self) -> float:
        """Seconds that a sample takes: in which py-spy ran, or waited for a CPU while the GIL went on."""
        if self._cost is None:
            return 0.0
        spent = sum(one.cpu + one.ready for one in self._cost.so_far().values())
        return spent / max(1.0, self._cost.duration() * RATE)


def _error(samples: int, lived: Iterable[Lived], duration: float, read: float) -> float:
    """Half width of the 95% interval of any thread's share.

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
