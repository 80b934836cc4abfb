"""Tests each observer, and counting, on a real program before a measurement."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from gilbench.host.environment import clean_environment
from gilbench.host.process import Process
from gilbench.model.machine import TriedObserver
from gilbench.model.study import Interpreter
from gilbench.observe import OBSERVERS, Watch, instructions

_DURATION = 0.5  # s
_START = 1.0  # s for the interpreter to start
# Two threads that compute and make system calls; for Python 2.7 and later.
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


def try_observers(
    interpreter: Interpreter,
    tell: Callable[[str], None],
    observers: Mapping[str, Watch] = OBSERVERS,
) -> tuple[TriedObserver, ...]:
    """Try each observer on a program with two threads that compute.

    Args:
        interpreter: The interpreter that runs the program.
        tell: Called with the name of each observer before it is tried.
        observers: The observers by name.

    Raises:
        ProcessError: The program cannot be started.
    """
    tried = []
    command = [*interpreter.command, "-c", _PROGRAM]
    # It would import what lies in the current folder.
    environment = clean_environment(dict(interpreter.environment))
    program = Process(command, env=environment, cwd="/", discard=True)
    try:
        program.wait(_START)
        for name, watch in observers.items():
            tell(name)
            tried.append(_tried(name, watch, program.pid))
    finally:
        program.close()
    return tuple(tried)


def try_counting() -> TriedObserver:
    """Try to count instructions."""
    found = instructions.choose()
    return TriedObserver(
        observer="--count instructions",
        shows="instructions of a cpu workload with one thread",
        by=None if found.counter is None else found.counter.tool.by,
        reason=found.reason,
    )


def _tried(name: str, watch: Watch, pid: int) -> TriedObserver:
    observer = watch.begin(pid)
    time.sleep(_DURATION)
    reading = observer.finish(_DURATION)
    return TriedObserver(
        observer=name,
        shows=watch.shows,
        by=observer.by if reading.figures else None,
        reason=observer.reason or reading.unavailable,
    )
