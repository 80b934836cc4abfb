"""Which system calls a process makes: by bpftrace, which sums in the kernel, else by strace, which costs much more.

``perf trace -p`` is passed over: threads that start after it has attached go uncounted (seen with perf 6.1).
"""

from __future__ import annotations

import contextlib
import platform
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from gilbench.host.environment import find_tool
from gilbench.host.process import Process, ProcessError
from gilbench.model.excerpt import excerpt
from gilbench.model.profile import Call
from gilbench.model.study import Reading, Share
from gilbench.observe.architecture import architecture, syscall_names
from gilbench.observe.bpftrace import BpftraceError, Script
from gilbench.observe.bpftrace_access import why_not
from gilbench.observe.costs import TELLING
from gilbench.observe.script import filled

_HERE = Path(__file__).parent
_ATTACH_LIMIT = 5.0  # s for strace to stop and trace every thread
_STOP_LIMIT = 5.0
_FUNCTIONS = 20  # system calls that a reading names


class Counted(NamedTuple):
    """The system calls of a process, and the tool that counted them."""

    calls: tuple[Call, ...]  # the most frequent first; seconds are wall time, blocked or not
    by: str | None  # None: no tool works
    reason: str | None  # why no tool works, or why bpftrace does not


class SyscallCounter:
    """Counts the system calls of a process between its making and ``finish``, whichever threads make them.

    Args:
        pid: The process.
        wait: Return when it counts; else ``ready`` has to be called.
    """

    def __init__(self, pid: int, *, wait: bool = True) -> None:
        self._pid = pid
        self._script: Script | None = None
        self._tracer: _Strace | None = None
        self._reason = why_not()
        if self._reason is None:
            try:
                self._script = Script(filled(_HERE / "syscalls.bt", {"pid": str(pid)}), pid=pid, wait=False)
            except BpftraceError as error:
                self._reason = str(error)
        if wait:
            self.ready()

    def ready(self) -> None:
        """Return when it counts, or when it is known that it cannot."""
        if self._script is not None:
            try:
                self._script.ready()
            except BpftraceError as error:
                self._script, self._reason = None, str(error)
        if self._script is None:
            try:
                self._tracer = _Strace(self._pid)
            except ProcessError as error:
                self._reason = f"{self._reason}; {error}"

    def cost(self) -> float | None:
        """Return the CPU time of counting, as a fraction of the time that it took; None: unknown, or too short."""
        if self._script is None or not self._script.attached:
            return None
        used, seconds = self._script.used(), time.monotonic() - self._script.attached
        return used / seconds if used is not None and seconds > TELLING else None

    def stop(self) -> None:
        """Begin to finish, which takes some time."""
        if self._script is not None:
            self._script.stop()

    def finish(self) -> Counted:
        """Stop counting, and leave the process as it was."""
        if self._script is not None:
            return Counted(read_maps(self._script.finish()), "bpftrace", None)
        if self._tracer is not None:
            return Counted(
                read_strace(self._tracer.finish()),
                "strace (stops the program at each call, which takes 25 to 50 µs more)",
                self._reason,
            )
        return Counted((), None, self._reason)


class SyscallsObserver:
    """System calls of a worker, as values of a run."""

    def __init__(self, pid: int) -> None:
        self.by: str | None = None
        self.reason: str | None = None
        self._counter = SyscallCounter(pid)

    def finish(self, busy_seconds: float) -> Reading:
        """Stop counting. Rates are per second of the timed slices, shares are of all calls."""
        counted = self._counter.finish()
        self.by, self.reason = counted.by, counted.reason
        total = sum(call.count for call in counted.calls)
        if counted.by is None or busy_seconds <= 0 or not total:
            reason = counted.reason or "no system call was observed"
            return Reading(observer="syscalls", unavailable=reason)
        return Reading(
            observer="syscalls",
            figures={"system_calls": total / busy_seconds},
            functions=tuple(
                Share(name=call.name, value=call.count / total) for call in counted.calls[:_FUNCTIONS]
            ),
            samples=total,
        )


class _Strace:
    """strace on a running process, until it is finished."""

    def __init__(self, pid: int) -> None:
        program = find_tool("strace")
        if program is None:
            raise ProcessError("strace is not installed, either")
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - without a name, so that nothing can be left
        descriptor = self._output.fileno()
        command = [program, "-f", "-c", "-w", "-o", f"/proc/self/fd/{descriptor}", "-p", str(pid)]
        try:
            self._process = Process(command, pass_fds=(descriptor,))
        except ProcessError:
            self._output.close()
            raise
        deadline = time.monotonic() + _ATTACH_LIMIT
        while not _traced(pid):
            if self._process.poll() is not None or time.monotonic() > deadline:
                reason = (self._process.output().strip().splitlines() or ["timed out"])[-1]
                self._process.close()
                self._output.close()
                raise ProcessError(f"strace cannot attach: {excerpt(reason, 200)}")
            time.sleep(0.005)

    def finish(self) -> str:
        """Detach, and return what it wrote."""
        try:
            self._process.signal(signal.SIGINT)
            self._process.wait(_STOP_LIMIT)
            self._output.seek(0)
            return self._output.read().decode("utf-8", "replace")
        finally:
            self._process.close()
            self._output.close()


def _traced(pid: int) -> bool:
    """Whether all threads of a process have a tracer."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return False
    for thread in threads:
        with contextlib.suppress(OSError):
            if "\nTracerPid:\t0\n" in (thread / "status").read_text("utf-8", "replace"):
                return False
    return True


def read_maps(maps: Mapping[str, Any]) -> tuple[Call, ...]:
    """Read the maps of syscalls.bt: counts, and ns from begin to end of those that ended."""
    names, known = syscall_names(platform.machine()), architecture()
    of_probes = known.of_probes if known is not None else frozenset()
    spent = maps.get("@spent", {})
    calls = [
        Call(
            name=names.get(int(number), f"system call {number}"),
            count=count,
            seconds=spent[number] * 1e-9 if number in spent else None,
        )
        for number, count in maps.get("@calls", {}).items()
        if names.get(int(number)) or int(number) not in of_probes
    ]
    return tuple(sorted(calls, key=lambda call: (-call.count, call.name)))


def read_strace(text: str) -> tuple[Call, ...]:
    """Read the table of ``strace -c``: share, seconds, usecs/call, calls, errors (may be absent), name."""
    calls = []
    for line in text.splitlines():
        cells = line.split()
        if len(cells) in {5, 6} and cells[3].isdecimal() and cells[-1] != "total":
            with contextlib.suppress(ValueError):
                calls.append(Call(name=cells[-1], count=int(cells[3]), seconds=float(cells[1])))
    return tuple(sorted(calls, key=lambda call: (-call.count, call.name)))
