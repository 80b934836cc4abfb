"""Who held the GIL, by py-spy: the share of samples for each thread and function."""

from __future__ import annotations

import shutil
import signal
import sysconfig
import tempfile
import time
from collections import Counter
from pathlib import Path

from gilbench.model import Reading, Share
from gilbench.process import Process, ProcessError, clean_environment

RATE = 200  # samples per second
_ATTACH_LIMIT = 5.0  # s for py-spy to find its way around the process
_STOP_LIMIT = 5.0
_FUNCTIONS = 20  # kept


class StacksObserver:
    """Samples the thread that holds the GIL, with ``py-spy record --gil``.

    py-spy finds the thread state that the interpreter names as the holder; where it cannot read the
    interpreter (PyPy, Jython, free-threaded builds) the reading is unavailable, with py-spy's reason.
    It does not stop the process for a sample (``--nonblocking``), so a torn stack is possible and rare.
    """

    def __init__(self, pid: int) -> None:
        self._sampler: Process | None = None
        self._unavailable: str | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="gilbench-")
        self._output = Path(self._folder.name) / "stacks"
        program = _find_py_spy()
        if program is None:
            self._unavailable = "py-spy is not installed; pip install py-spy"
            return
        command = [program, "record", "--pid", str(pid), "--gil", "--threads", "--nonblocking"]
        command += [
            "--rate",
            str(RATE),
            "--duration",
            "86400",
            "--format",
            "raw",
            "--output",
            str(self._output),
        ]
        try:
            self._sampler = Process(command, env=clean_environment())
        except ProcessError as error:
            self._unavailable = str(error)
            return
        deadline = time.monotonic() + _ATTACH_LIMIT
        while "Sampling process" not in self._sampler.output():
            if self._sampler.poll() is not None or time.monotonic() > deadline:
                self._unavailable = _reason(self._sampler.output())
                return
            time.sleep(0.005)

    def finish(self, busy_seconds: float) -> Reading:
        """Stop sampling; shares are of the samples that fit into the timed slices."""
        try:
            if self._sampler is not None and self._unavailable is None:
                self._sampler.signal(signal.SIGINT)
                if self._sampler.wait(_STOP_LIMIT) is None:
                    self._unavailable = "py-spy did not stop"
            if self._unavailable is None:
                text = self._output.read_text("utf-8", "replace") if self._output.exists() else ""
                return read_samples(text, round(busy_seconds * RATE))
            return Reading(observer="stacks", unavailable=self._unavailable)
        finally:
            if self._sampler is not None:
                self._sampler.close()
            self._folder.cleanup()


def read_samples(text: str, samples: int) -> Reading:
    """Read py-spy's raw format: ``thread;outer;inner COUNT`` a line, only samples in which the GIL was held.

    Args:
        text: What py-spy wrote.
        samples: How many samples were due in all.
    """
    threads: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if count.isdecimal() and frames[0].startswith("thread"):
            threads[frames[0].partition("): ")[2] or frames[0]] += int(count)
            functions[frames[-1]] += int(count)
    if samples <= 0:
        return Reading(observer="stacks", unavailable="the slices were too short for a sample")
    return Reading(
        observer="stacks",
        figures={"gil_held": threads.total() / samples},
        threads=tuple(Share(name=name, value=count / samples) for name, count in threads.most_common()),
        functions=tuple(
            Share(name=name, value=count / samples) for name, count in functions.most_common(_FUNCTIONS)
        ),
        samples=samples,
    )


def _find_py_spy() -> str | None:
    beside = Path(sysconfig.get_path("scripts")) / "py-spy"
    return str(beside) if beside.is_file() else shutil.which("py-spy")


def _reason(output: str) -> str:
    for line in output.splitlines():
        if line.startswith("Error:"):
            return f"py-spy cannot read this interpreter: {line.removeprefix('Error:').strip()}"
    return "py-spy did not attach in time"
