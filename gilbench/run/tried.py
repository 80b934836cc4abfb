"""Tries each observer on a real program, to know before a measurement what it would show."""

from __future__ import annotations

import time
from collections.abc import Callable

from gilbench.errors import GilbenchError
from gilbench.machine import TriedObserver
from gilbench.model import Interpreter
from gilbench.observe import Observer
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


def try_observers(interpreter: Interpreter, tell: Callable[[str], None]) -> tuple[TriedObserver, ...]:
    """Place each observer beside a program that computes on two threads.

    Args:
        interpreter: What runs the program.
        tell: Called with the name of each observer before its turn.

    Raises:
        ProcessError: The program cannot be started.
    """
    tried = []
    command = [interpreter.executable, "-c", _PROGRAM]
    # It would import what lies in the current folder.
    program = Process(command, env=clean_environment(), cwd="/", discard=True)
    try:
        program.wait(_START)
        for name, attempt in ATTEMPTS.items():
            tell(name)
            tried.append(attempt(program.pid))
    finally:
        program.close()
    return tuple(tried)


def _cpu(pid: int) -> TriedObserver:
    return _by_reading(
        "cpu", "CPU time, context switches, reads and writes, memory", CpuObserver(pid), "the kernel"
    )


def _stacks(pid: int) -> TriedObserver:
    return _by_reading("stacks", "the functions that held the GIL", StacksObserver(pid), "py-spy")


def _by_reading(name: str, shows: str, observer: Observer, by: str) -> TriedObserver:
    time.sleep(_LOOK)
    reading = observer.finish(_LOOK)
    return TriedObserver(
        observer=name, shows=shows, by=by if reading.figures else None, reason=reading.unavailable
    )


def _gil(pid: int) -> TriedObserver:
    by, reason = None, None
    try:
        watching = watch_gil(find_python(pid))
        time.sleep(_LOOK)
        probe = watching.finish().probe
    except GilbenchError as error:
        reason = str(error)
    else:
        by, reason = probe.name if probe.strength else None, probe.reason
    shows = "who holds the GIL, who waits for it, how long"
    return TriedObserver(observer="gil", shows=shows, by=by, reason=reason)


def _syscalls(pid: int) -> TriedObserver:
    counter = SyscallCounter(pid)
    time.sleep(_LOOK)
    counted = counter.finish()
    return TriedObserver(
        observer="syscalls",
        shows="which system calls, how many, how long",
        by=counted.by if counted.calls else None,
        reason=counted.reason,
    )


# One for each of ``observe.NAMES``: a reading does not tell which of several tools it comes from, so each asks its own.
ATTEMPTS: dict[str, Callable[[int], TriedObserver]] = {
    "cpu": _cpu,
    "gil": _gil,
    "stacks": _stacks,
    "syscalls": _syscalls,
}
