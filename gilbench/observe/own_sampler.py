"""Samples the stacks of a free-threaded interpreter, which py-spy cannot read, with ``profiling.sampling`` of its own.

That module of Python 3.15 and later reads only processes of its own version, so the interpreter that is profiled is
started a second time for it.
"""

from __future__ import annotations

import re
import signal
import tempfile
import time
from collections.abc import Iterator
from typing import Literal

from gilbench.host.environment import clean_environment
from gilbench.host.process import Process, ProcessError, cpu_time
from gilbench.model.profile import Stack
from gilbench.observe.running import RunningPython, may_be_started
from gilbench.observe.sources import SourcePlace
from gilbench.observe.stacks import RATE

FIRST = (3, 15)  # the version that brings it
_STOP_LIMIT = 20.0  # s; it writes its samples
_LINE = re.compile(r"tid:(\d+);(.+) (\d+)")  # of its collapsed format
_FRAME = re.compile(r"(.+?):(.+):(\d+)")  # file, function, line; synthetic frames have no file

Mode = Literal["cpu", "gil"]


def why_not(python: RunningPython) -> str | None:
    """Return in one line why the stacks of a free-threaded process cannot be sampled; None: they can."""
    if python.version is None or python.version < FIRST:
        return (
            "py-spy cannot read free-threaded builds; from 3.15 on, they read themselves (profiling.sampling)"
        )
    if not may_be_started(python):
        return f"{python.executable} is not started to sample itself: another user could have changed it"
    return None


class OwnSampler:
    """Samples one process until it is finished.

    Args:
        python: The process, whose interpreter runs.
        mode: Whose stacks: of threads on the CPU, or of the holder of the GIL.
    """

    def __init__(self, python: RunningPython, mode: Mode) -> None:
        self.unavailable = why_not(python)
        self.places: dict[str, SourcePlace] = {}  # of frames, by name, after ``finish``
        self._sampler: Process | None = None
        self._began = time.monotonic()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - without a name, so that nothing can be left
        if self.unavailable is not None:
            return
        command = [
            python.executable,
            "-I",
            "-m",
            "profiling.sampling",
            "attach",
            str(python.pid),
            "--all-threads",
        ]
        command += ["--mode", mode, "--sampling-rate", str(RATE), "--no-gc", "--collapsed"]
        command += ["--output", f"/proc/self/fd/{self._output.fileno()}"]
        try:
            self._sampler = Process(command, env=clean_environment(), pass_fds=(self._output.fileno(),))
        except ProcessError as error:
            self.unavailable = str(error)

    def cost(self) -> float | None:
        """Return the CPU time of the sampler, as a fraction of the time that it took; None: it does not run."""
        used = cpu_time(self._sampler.pid) if self._sampler is not None else None
        return None if used is None else used / max(time.monotonic() - self._began, 1e-9)

    def finish(self) -> tuple[Stack, ...]:
        """Stop sampling and return the samples; empty if there are none."""
        try:
            if self._sampler is None:
                return ()
            self._sampler.signal(signal.SIGINT)
            if self._sampler.wait(_STOP_LIMIT) is None:
                self.unavailable = "profiling.sampling did not stop"
                return ()
            self._output.seek(0)
            text = self._output.read().decode("utf-8", "replace")
            stacks = tuple(read_stacks(text))
            self.places = dict(_places(text))
            if not stacks:
                self.unavailable = _reason(self._sampler.output())
            return stacks
        finally:
            if self._sampler is not None:
                self._sampler.end(grace=0)
                self._sampler.close()
                self._sampler = None
            self._output.close()


def read_stacks(text: str) -> Iterator[Stack]:
    """Yield the stacks of the collapsed format; lines that are none are passed over."""
    for line in text.splitlines():
        if found := _LINE.fullmatch(line):
            tid = int(found[1])
            frames = tuple(map(_frame_name, found[2].split(";")))
            yield Stack(tid=tid, thread=f"thread {tid}", frames=frames, samples=int(found[3]), named=False)


def _places(text: str) -> Iterator[tuple[str, SourcePlace]]:
    for frame in {frame for line in text.splitlines() for frame in line.split(";")}:
        if found := _FRAME.match(frame):
            yield _frame_name(found[0]), SourcePlace(found[1], int(found[3]))


def _frame_name(frame: str) -> str:
    found = _FRAME.fullmatch(frame)
    return f"{found[2]} ({found[1]}:{found[3]})" if found else frame


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if not lines or "Captured" in output:
        return "profiling.sampling saw no thread on the CPU"
    return f"profiling.sampling: {lines[-1][:200]}"
