"""Waiting for finalisers that may never come."""

import gc
import time

from clocks import now

STEP = 0.005  # s between two looks


def until(happened, seconds):
    """Wait until ``happened()`` is true, at most so long; whether it is."""
    deadline = now() + seconds
    while not happened():
        if now() >= deadline:
            return False
        time.sleep(STEP)
    return True


def collected(happened, seconds):
    """The same, with the collector called again and again: a finaliser may take a thread or a second collection."""
    deadline = now() + seconds
    while not happened():
        gc.collect()
        time.sleep(STEP)
        if now() >= deadline:
            return bool(happened())
    return True


def ready():
    """Say that the interpreter has come up."""
    return {}
