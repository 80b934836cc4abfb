"""Observers: each watches a worker from outside, over the timed slices of one run.

An observer is one module and one line in ``OBSERVERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from gilbench.model.study import Reading
from gilbench.observe.cpu import CpuObserver
from gilbench.observe.gil.reading import GilObserver
from gilbench.observe.stacks import StacksObserver
from gilbench.observe.syscalls import SyscallsObserver


class Observer(Protocol):
    """Watches one process from its making to ``finish``."""

    by: str | None  # the tool that observes, None: no tool works; known after ``finish``
    reason: str | None  # why no tool works, or no better one; known after ``finish``

    def finish(self, busy_seconds: float) -> Reading:
        """Stop watching.

        Args:
            busy_seconds: Total length of the slices served meanwhile, to which rates and shares refer.
        """


class Watch(NamedTuple):
    """An entry of ``OBSERVERS``."""

    begin: Callable[[int], Observer]  # watches a process from now on
    shows: str  # for ``gilbench system``
    always: bool = False  # in every run, since the kernel counts it anyway; else in runs of its own


OBSERVERS: dict[str, Watch] = {
    "cpu": Watch(CpuObserver, "CPU time, context switches, reads and writes, memory", always=True),
    "gil": Watch(GilObserver, "GIL holders, GIL waits, and their lengths"),
    "stacks": Watch(StacksObserver, "functions that hold the GIL"),
    "syscalls": Watch(SyscallsObserver, "numbers and durations of system calls"),
}
NAMES = tuple(OBSERVERS)
SAMPLERS = tuple(name for name, watch in OBSERVERS.items() if not watch.always)
