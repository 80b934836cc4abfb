"""Waiting for finalisers that may never come."""

import gc
import sys
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


def collect():
    """Call the collector; on Jython the JVM's: a trial that called gc.collect() in a loop once did not end there."""
    if not sys.platform.startswith("java"):
        gc.collect()
        return
    from java.lang import System

    System.gc()


def collected(happened, seconds):
    """The same, with the collector called again and again: a finaliser may take a thread or a second collection."""
    deadline = now() + seconds
    while not happened():
        collect()
        time.sleep(STEP)
        if now() >= deadline:
            return bool(happened())
    return True


def ready():
    """Say that the interpreter has come up."""
    return {}
