"""Copies of another process's perf events and BPF programs: they tell what its probes cost, and remove them quickly.

The kernel lets a probe go after a grace period: 20 to 50 ms for a tracepoint, 80 to 190 ms for a uprobe. bpftrace
removes one after the other. With copies of its events here it ends at once, and the copies are closed in parallel
while gilbench goes on.

The kernel counts the runs of BPF programs and their time as long as a process asks for it, for some 20 ns a run.
What it takes to enter and leave a uprobe comes on top.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import re
import threading
from pathlib import Path
from typing import NamedTuple

from gilbench.observe.architecture import architecture

_PIDFD_GETFD = 438  # pidfd_getfd(2), the same on all architectures
_BPF_ENABLE_STATS = 32  # of bpf(2)
_LIBC = ctypes.CDLL(None, use_errno=True)
_PERF_EVENT, _PROGRAM = "anon_inode:[perf_event]", "anon_inode:bpf-prog"
_KPROBE = 2  # BPF_PROG_TYPE_KPROBE, also of uprobes
_closing: list[threading.Thread] = []


class ProbeTimes(NamedTuple):
    """What the probes of one script have run so far."""

    in_uprobes: float  # s of programs on functions
    elsewhere: float  # s of programs on tracepoints and timers


class KernelProbes:
    """The probes of a process; none where the kernel (before 5.6) or its rules give no copies.

    Args:
        pid: The process.
    """

    def __init__(self, pid: int) -> None:
        self._events: list[int] = []
        self._programs: list[int] = []
        self._counted = _counts()
        with contextlib.suppress(OSError):
            process = os.pidfd_open(pid)
            try:
                for number in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - numbers
                    kind = _kind(pid, number)
                    if kind in {_PERF_EVENT, _PROGRAM}:
                        copy = _LIBC.syscall(_PIDFD_GETFD, process, int(number), 0)
                        if copy >= 0:
                            (self._events if kind == _PERF_EVENT else self._programs).append(copy)
            finally:
                os.close(process)

    def times(self) -> ProbeTimes | None:
        """Return what the probes have run so far; None: unknown."""
        if not self._counted or not self._programs:
            return None
        inside, elsewhere = 0, 0
        for copy in self._programs:
            try:
                text = Path(f"/proc/self/fdinfo/{copy}").read_text("ascii", "replace")
            except OSError:  # there are too many open files
                return None
            seen = {name: int(value) for name, value in re.findall(r"^(\w+):\t(\d+)$", text, re.MULTILINE)}
            if seen.get("prog_type") == _KPROBE:
                inside += seen.get("run_time_ns", 0)
            else:
                elsewhere += seen.get("run_time_ns", 0)
        return ProbeTimes(inside * 1e-9, elsewhere * 1e-9)

    def close(self) -> None:
        """Begin to remove the probes. gilbench itself ends when all are removed."""
        for copy in self._programs:
            os.close(copy)
        for copy in self._events:
            thread = threading.Thread(target=os.close, args=(copy,), name="gilbench: remove a probe")
            try:
                thread.start()
            except RuntimeError:  # there may be no more threads
                os.close(copy)
            else:
                _closing.append(thread)
        self._programs, self._events = [], []


def removed() -> None:
    """Return when all probes are removed that are to be removed."""
    while _closing:
        _closing.pop().join()


def _kind(pid: int, number: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/fd/{number}")  # noqa: PTH115 - no path
    except OSError:
        return ""


@functools.cache
def _counts() -> bool:
    """Let the kernel count the time of BPF programs until gilbench ends; return whether it does."""
    known = architecture()
    if known is None:
        return False
    attributes = (ctypes.c_uint32 * 32)()  # all zero: the time of runs
    asked: int = _LIBC.syscall(
        known.bpf, _BPF_ENABLE_STATS, ctypes.byref(attributes), ctypes.sizeof(attributes)
    )
    return asked >= 0
