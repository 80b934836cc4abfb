"""What it costs to wake up: a thread that waits for the GIL does so after every switch interval."""

from __future__ import annotations

import functools
import time

_SLEEPS = 50
_SLEEP = 1e-4  # s


@functools.cache
def wake_up() -> float:
    """Return the CPU time in s of one short sleep in Python, which is more than what a thread needs to wait again."""
    before = time.thread_time()
    for _ in range(_SLEEPS):
        time.sleep(_SLEEP)
    return (time.thread_time() - before) / _SLEEPS
