"""Who held the GIL, by py-spy: the share of samples for each thread and function."""

from __future__ import annotations

import functools
import re
import signal
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from gilbench.host.environment import clean_environment, find_tool
from gilbench.host.process import Process, ProcessError
from gilbench.model.profile import NO_FUNCTION, Stack
from gilbench.model.study import Reading, Share, Struct
from gilbench.observe.sources import SourcePlace

RATE = 200  # samples per second
_ATTACH_LIMIT = 5.0  # s for py-spy to find its way around the process
_STOP_LIMIT = 20.0  # s; it writes its samples, of an hour some 100 MB
_FUNCTIONS = 20  # kept
_THREAD = re.compile(r"thread \((\d+|0x[0-9A-Fa-f]+)\)(?:: (.*))?", re.DOTALL)
_PROCESS = re.compile(r'process (\d+):".*"', re.DOTALL)  # with --subprocesses, below the thread


class _Frame(Struct, frozen=True):
    name: str
    file: str | None = None
    line: int | None = None


class _Shared(Struct, frozen=True):
    frames: tuple[_Frame, ...]


class _SpeedscopeProfile(Struct, frozen=True):
    samples: tuple[tuple[int, ...], ...]  # numbers of frames, outermost first


class _Speedscope(Struct, frozen=True):
    shared: _Shared
    profiles: tuple[_SpeedscopeProfile, ...]


class StackSampler:
    """Samples the thread that holds the GIL, with ``py-spy record --gil``, until it is finished; or all threads.

    py-spy finds the thread state that the interpreter names as the holder; where it cannot read the
    interpreter (PyPy, Jython, free-threaded builds) ``unavailable`` says so, with py-spy's reason.
    It does not stop the process for a sample (``--nonblocking``), so a torn stack is possible and rare.

    Args:
        pid: The process.
        children: Also sample the processes that it starts.
        rate: Samples per second.
        everyone: Sample all threads, also those that wait.
    """

    def __init__(self, pid: int, *, children: bool = False, rate: int = RATE, everyone: bool = False) -> None:
        self.unavailable: str | None = None
        self.places: dict[str, SourcePlace] = {}  # of frames, by name, after ``finish``
        self._sampler: Process | None = None
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - without a name, so that nothing can be left
        program = find_py_spy()
        if program is None:
            self.unavailable = "py-spy is not installed; install it: pip install py-spy"
            return
        command = [program, "record", "--pid", str(pid), "--threads", "--nonblocking"]
        command += ["--idle" if everyone else "--gil"]
        command += ["--subprocesses"] if children else []
        command += [
            "--rate",
            str(rate),
            "--duration",
            "86400",
            "--format",
            "speedscope",  # JSON: in the raw format a name could be a line, or a stack, of its own
            "--output",
            f"/proc/self/fd/{self._output.fileno()}",
        ]
        try:
            self._sampler = Process(command, env=clean_environment(), pass_fds=(self._output.fileno(),))
        except ProcessError as error:
            self.unavailable = str(error)
            return
        deadline = time.monotonic() + _ATTACH_LIMIT
        while "Sampling process" not in self._sampler.output():
            if self._sampler.poll() is not None or time.monotonic() > deadline:
                self.unavailable = _reason(self._sampler.output())
                return
            time.sleep(0.005)

    @property
    def pid(self) -> int:
        """Of py-spy itself, where it could be started."""
        assert self._sampler is not None  # noqa: S101 - asked of a sampler that is available
        return self._sampler.pid

    def finish(self) -> tuple[Stack, ...]:
        """Stop sampling and return the samples; empty if py-spy is unavailable."""
        try:
            if self._sampler is not None and self.unavailable is None:
                self._sampler.signal(signal.SIGINT)
                if self._sampler.wait(_STOP_LIMIT) is None:
                    self.unavailable = "py-spy did not stop"
            if self.unavailable is None:
                return self._read()
            return ()
        finally:
            if self._sampler is not None:
                self._sampler.close()
            self._output.close()

    def _read(self) -> tuple[Stack, ...]:
        try:
            self._output.seek(0)
            written = self._output.read()
            if not written:
                return ()
            seen = msgspec.json.decode(written, type=_Speedscope)
            self.places = dict(_places(seen))
            return _stacks(seen)
        except (OSError, ValueError, LookupError) as error:
            self.unavailable = f"cannot read py-spy's samples: {error}"
            return ()


class StacksObserver:
    """The threads and functions of a worker that hold the GIL, as values of a run."""

    def __init__(self, pid: int) -> None:
        self.by: str | None = "py-spy"
        self.reason: str | None = None
        self._sampler = StackSampler(pid)

    def finish(self, busy_seconds: float) -> Reading:
        """Stop sampling. Shares are of the samples that fit into the timed slices."""
        stacks = self._sampler.finish()
        if self._sampler.unavailable is not None:
            return Reading(observer="stacks", unavailable=self._sampler.unavailable)
        return shares(stacks, round(busy_seconds * RATE))


def read_stacks(content: bytes) -> tuple[Stack, ...]:
    """Read py-spy's speedscope format: all samples, in each of which the GIL was held; its first frame is the thread.

    Raises:
        ValueError: It is something else.
        LookupError: A sample names a frame that is not there.
    """
    return _stacks(msgspec.json.decode(content, type=_Speedscope))


def _stacks(seen: _Speedscope) -> tuple[Stack, ...]:
    counts: Counter[tuple[int, ...]] = Counter()
    for profile in seen.profiles:
        counts.update(profile.samples)
    names = [frame_name(frame.name, frame.file, frame.line) for frame in seen.shared.frames]
    return tuple(_stack([names[number] for number in numbers], count) for numbers, count in counts.items())


def _places(seen: _Speedscope) -> Iterator[tuple[str, SourcePlace]]:
    for frame in seen.shared.frames:
        if frame.file and frame.line is not None:
            yield frame_name(frame.name, frame.file, frame.line), SourcePlace(frame.file, frame.line)


def _stack(frames: Sequence[str], count: int) -> Stack:
    pid = None
    while frames and (process := _PROCESS.fullmatch(frames[0])):  # the outermost is the oldest
        pid, frames = int(process[1]), frames[1:]
    thread, *frames = frames or ("",)
    found = _THREAD.fullmatch(thread)
    if found is None:
        raise ValueError(f"{thread!r} is no thread")
    tid = None if found[1].startswith("0x") else int(found[1])
    return Stack(
        pid=pid,
        tid=tid,
        thread=found[2] or thread,
        frames=tuple(frames) or (NO_FUNCTION,),
        samples=count,
        named=bool(found[2]),
    )


def frame_name(name: str, file: str | None, line: int | None) -> str:
    """Return a function with its place, as ``name (file.py:12)``."""
    if not file:
        return name
    place = short_file(file) if line is None or line <= 0 else f"{short_file(file)}:{line}"
    return f"{name} ({place})"


@functools.cache
def short_file(file: str) -> str:
    """Return a file's name from its package on, as an import would name it."""
    folder = Path(file).parent
    while folder != folder.parent and (folder / "__init__.py").exists():
        folder = folder.parent
    return file.removeprefix(f"{folder}/") if Path(file).is_absolute() else file


def shares(stacks: Sequence[Stack], samples: int) -> Reading:
    """Sum stacks up by thread and by innermost function.

    Args:
        stacks: What was seen.
        samples: How many samples were due in all.
    """
    if samples <= 0:
        return Reading(observer="stacks", unavailable="the slices were too short for samples")
    threads: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for stack in stacks:
        threads[stack.thread] += stack.samples
        functions[stack.frames[-1]] += stack.samples
    return Reading(
        observer="stacks",
        figures={"gil_held": threads.total() / samples},
        threads=tuple(Share(name=name, value=count / samples) for name, count in threads.most_common()),
        functions=tuple(
            Share(name=name, value=count / samples) for name, count in functions.most_common(_FUNCTIONS)
        ),
        samples=samples,
    )


def find_py_spy() -> str | None:
    """Return the path of the py-spy installed with gilbench, else of the one in PATH; None if there is neither."""
    beside = Path(sysconfig.get_path("scripts")) / "py-spy"
    return str(beside) if beside.is_file() else find_tool("py-spy")


def _reason(output: str) -> str:
    for line in output.splitlines():
        if line.startswith("Error:"):
            return f"py-spy cannot read this interpreter: {line.removeprefix('Error:').strip()}"
    return "py-spy timed out while attaching"
