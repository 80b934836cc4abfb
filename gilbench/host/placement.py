"""Chooses the CPUs of a worker and of the load generator for each slice."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

from gilbench.model.study import Case

_COMPUTING = frozenset({"parallel", "processes", "subinterpreters", "cooperative"})


class Placement(NamedTuple):
    """CPUs of one slice."""

    cpus: tuple[int, ...]  # of the worker
    serving: int  # one of ``cpus``, for the main thread of a service alone
    peer: int  # of the load generator


def place(case: Case, driver: str, cpus: tuple[int, ...], turn: int) -> Placement:
    """Choose the CPUs of one slice.

    A single CPU-bound thread gets one CPU: the CPUs of shared hosts drift separately, and a thread that migrates
    would measure that drift. All slices of a round use the same CPU, and the next round uses the next one, so no CPU
    is favored. All other cases get all CPUs, unless the case sets a number.

    A serving thread and its client run on different CPUs, as if the client were another machine. The scheduler
    alone would move them together and apart. On a virtual machine, where it is expensive to wake an idle CPU, that
    changed the round-trip time fivefold from run to run.

    Args:
        case: The case.
        driver: Driver of the workload; only purely CPU-bound drivers are confined to one CPU.
        cpus: CPUs that may be used.
        turn: Number of the round, which rotates the CPUs.
    """
    count = case.cpus or (1 if driver in _COMPUTING and case.threads == 1 else len(cpus))
    rotated = tuple(cpus[(turn + step) % len(cpus)] for step in range(len(cpus)))
    return Placement(rotated[:count], rotated[0], rotated[1 % len(cpus)])


def set_affinity(
    pid: int, cpus: tuple[int, ...], alone: tuple[int | None, int] | None = None
) -> tuple[int, ...]:
    """Set the CPU affinity of every thread of a process.

    Args:
        pid: The process.
        cpus: CPUs that its threads may use.
        alone: A thread, and the only CPU that it may use; None: no thread is treated differently.

    Returns:
        The CPUs that the threads may use afterwards; empty: unknown.
    """
    if not hasattr(os, "sched_setaffinity"):
        return ()
    in_force: set[int] = set()
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):  # the thread has ended since
                tid = int(task.name)
                os.sched_setaffinity(tid, (alone[1],) if alone and tid == alone[0] else cpus)
                in_force |= os.sched_getaffinity(tid)
    return tuple(sorted(in_force))
