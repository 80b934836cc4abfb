"""Tries each observer on a real program, to know before a measurement what it would show."""

from __future__ import annotations

import time
from collections.abc import Callable

from gilbench.errors import GilbenchError
from gilbench.machine import Trial
from gilbench.model import Interpreter
from gilbench.observe.cpu import CpuObserver
from gilbench.observe.gil import watch_gil
from gilbench.observe.running import find_python
from gilbench.observe.stacks import StacksObserver
from gilbench.observe.syscalls import SyscallCounter
from gilbench.process import Process, clean_environment

_LOOK = 0.5  # s
_START = 1.0  # s that an interpreter has for coming up
# Two threads that compute and make system calls; from Python 2.7 on.
_PROGRAM = """
import os, threading, time
def work():
    while True:
        sum(range(1000))
        os.getppid()
for _ in range(2):
    thread = threading.Thread(target=work)
    thread.daemon = True
    thread.start()
time.sleep(600)
"""


def try_observers(interpreter: Interpreter, tell: Callable[[str], None]) -> tuple[Trial, ...]:
    """Place each observer beside a program that computes on two threads.

    Args:
        interpreter: What runs the program.
        tell: Called with the name of each observer before its turn.

    Raises:
        ProcessError: The program cannot be started.
    """
    trials = []
    program = Process([interpreter.executable, "-c", _PROGRAM], env=clean_environment(), discard=True)
    try:
        program.wait(_START)
        for name, attempt in _ATTEMPTS.items():
            tell(name)
            trials.append(attempt(program.pid))
    finally:
        program.close()
    return tuple(trials)


def _cpu(pid: int) -> Trial:
    observer = CpuObserver(pid)
    time.sleep(_LOOK)
    reading = observer.finish(_LOOK)
    by = "the kernel's own counts" if reading.figures else None
    return Trial(
        observer="cpu",
        shows="CPU time, context switches, reads and writes, memory",
        by=by,
        reason=reading.unavailable,
    )


def _gil(pid: int) -> Trial:
    by, reason = None, None
    try:
        watching = watch_gil(find_python(pid))
        time.sleep(_LOOK)
        probe = watching.finish().probe
    except GilbenchError as error:
        reason = str(error)
    else:
        by, reason = probe.name if probe.strength else None, probe.reason
    return Trial(observer="gil", shows="who holds the GIL, who waits for it, how long", by=by, reason=reason)


def _stacks(pid: int) -> Trial:
    observer = StacksObserver(pid)
    time.sleep(_LOOK)
    reading = observer.finish(_LOOK)
    return Trial(
        observer="stacks",
        shows="the functions that held the GIL",
        by=None if reading.unavailable else "py-spy",
        reason=reading.unavailable,
    )


def _syscalls(pid: int) -> Trial:
    counter = SyscallCounter(pid)
    time.sleep(_LOOK)
    counted = counter.finish()
    return Trial(
        observer="syscalls",
        shows="which system calls, how many, how long",
        by=counted.by if counted.calls else None,
        reason=counted.reason,
    )


_ATTEMPTS: dict[str, Callable[[int], Trial]] = {
    "cpu": _cpu,
    "gil": _gil,
    "stacks": _stacks,
    "syscalls": _syscalls,
}
