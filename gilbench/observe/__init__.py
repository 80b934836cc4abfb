"""Observers: each watches a worker from outside, over the timed slices of one run.

``cpu`` is in every run: it reads what the kernel counts anyway, at the two ends. The others need runs of
their own, since they slow the worker down. Adding one is a module and a line in ``SAMPLERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gilbench.model import Reading
from gilbench.observe.cpu import CpuObserver
from gilbench.observe.gil_reading import GilObserver
from gilbench.observe.stacks import StacksObserver
from gilbench.observe.syscalls import SyscallsObserver


class Observer(Protocol):
    """Watches one process between its two ends."""

    def finish(self, busy_seconds: float) -> Reading:
        """Stop watching.

        Args:
            busy_seconds: Length of the slices that were served meanwhile, to which rates and shares refer.
        """


SAMPLERS: dict[str, Callable[[int], Observer]] = {
    "gil": GilObserver,
    "stacks": StacksObserver,
    "syscalls": SyscallsObserver,
}
ALWAYS: Callable[[int], Observer] = CpuObserver
NAMES = ("cpu", *SAMPLERS)
