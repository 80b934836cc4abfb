"""Waiting, with a timeout, for finalizers that may never run."""

import gc
import time

import facts
from clocks import now

STEP = 0.005  # s between two checks


def until(happened, seconds):
    """Wait until ``happened()`` is true, or for so many seconds; return whether it is."""
    deadline = now() + seconds
    while not happened():
        if now() >= deadline:
            return False
        time.sleep(STEP)
    return True


def collect():
    """Call the collector; on Jython the JVM's, where calling gc.collect() in a loop once did not end."""
    if not facts.JVM:
        gc.collect()
        return
    from java.lang import System

    System.gc()


def collected(happened, seconds):
    """The same, with the collector called again and again: a finalizer may take a thread or a second collection."""
    deadline = now() + seconds
    while not happened():
        collect()
        time.sleep(STEP)
        if now() >= deadline:
            return bool(happened())
    return True


def ready():
    """Answer that the interpreter has started."""
    return {}
