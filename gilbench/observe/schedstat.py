"""What the scheduler counts for a thread: time on a CPU, time without one, and how often it was put on one."""

from __future__ import annotations

from typing import NamedTuple


class Scheduled(NamedTuple):
    """The counts of one thread since its start."""

    cpu: float  # s
    ready: float  # s in which it could have run and had no CPU
    runs: int  # times it was put on a CPU


def scheduled(pid: int, tid: int) -> Scheduled:
    """Read the counts of a thread.

    Raises:
        OSError: The thread has ended, or the kernel does not count.
        ValueError: The kernel writes something else.
    """
    with open(f"/proc/{pid}/task/{tid}/schedstat", "rb", buffering=0) as file:
        cpu, ready, runs = map(int, file.read(256).split())
    return Scheduled(cpu * 1e-9, ready * 1e-9, runs)
