"""Waits until a process that nobody asks for anything has come to rest: its compiler, its collector."""

from __future__ import annotations

import time

from gilbench.run.affinity import process_cpu_time

LOOK = 0.03  # s between two looks
IDLE = 0.04  # CPU time over wall time below which a process rests


def settle(pid: int, limit: float) -> float:
    """Wait until a process rests, and return for how long that took, in s.

    A virtual machine compiles in threads of its own. What is left to compile when a slice ends is done beside the
    next slice otherwise, of this process or of another one.

    Args:
        pid: The process.
        limit: s after which it is waited for no longer.
    """
    began = now = time.monotonic()
    used = process_cpu_time(pid)
    while used is not None and now - began < limit:
        time.sleep(LOOK)
        before, used, then = used, process_cpu_time(pid), now
        now = time.monotonic()
        if used is None or used - before < IDLE * (now - then):
            break
    return now - began
