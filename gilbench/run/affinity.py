"""Which CPUs a worker and its peer may use, slice by slice."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

from gilbench.model import Case

_COMPUTING = frozenset({"parallel", "processes", "subinterpreters", "cooperative"})


class Placement(NamedTuple):
    """CPUs of one slice."""

    cpus: tuple[int, ...]  # of the worker
    serving: int  # the one of those that a serving main thread gets for itself
    peer: int  # of the process outside


def place(case: Case, driver: str, cpus: tuple[int, ...], turn: int) -> Placement:
    """Choose the CPUs of one slice.

    One computing thread gets one CPU, since shared hosts drift CPU by CPU and a thread that wanders would
    measure that; slices of the same turn get the same one, and the next turn the next, so that no CPU is
    favoured. Everything else gets all CPUs, unless the case says how many.

    A serving thread and its client are kept on two CPUs, as if the client were another machine. Left to the
    scheduler they are now together and now apart, which on a virtual machine, where waking a sleeping CPU is
    dear, was seen to change a round trip fivefold from one run to the next.

    Args:
        case: What is run.
        driver: The workload's driver; only those that just compute are confined to one CPU.
        cpus: CPUs that may be used.
        turn: Number of the round; the set begins with another CPU each time.
    """
    count = case.cpus or (1 if driver in _COMPUTING and case.threads == 1 else len(cpus))
    rotated = tuple(cpus[(turn + step) % len(cpus)] for step in range(len(cpus)))
    return Placement(rotated[:count], rotated[0], rotated[1 % len(cpus)])


def set_affinity(
    pid: int, cpus: tuple[int, ...], alone: tuple[int | None, int] | None = None
) -> tuple[int, ...]:
    """Confine every thread of a process, and return the CPUs that are in force afterwards, empty if unknown.

    Args:
        pid: The process.
        cpus: Where its threads may run.
        alone: A thread and the one CPU that it gets.
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
