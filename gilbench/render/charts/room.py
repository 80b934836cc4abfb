"""Whether this process may use what the library that draws needs. Otherwise, that library would end the process."""

from __future__ import annotations

import contextlib
import os
import resource
import threading

_FILES = 32  # what the library opens, with some to spare: drawing failed with 12 in all, and not with 16
_THREADS = 8, 2  # what the library starts at most: some, and so many for each CPU


def missing_room() -> str | None:
    """Return which limit is too low to draw, and how to raise it; None: none is."""
    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        return "an unlimited address space: ulimit -v unlimited"
    if not _can_open(_FILES):
        return "more open files: ulimit -n 1024"
    some, each = _THREADS
    if not _can_start(some + each * (os.cpu_count() or 1)):
        return "more processes: ulimit -u unlimited"
    return None


def _can_open(count: int) -> bool:
    with contextlib.ExitStack() as opened:
        try:
            for _ in range(count):
                opened.callback(os.close, os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            return False
    return True


def _can_start(count: int) -> bool:
    done = threading.Event()
    threads = [threading.Thread(target=done.wait, daemon=True) for _ in range(count)]
    started = []
    try:
        for thread in threads:
            thread.start()
            started.append(thread)
    except RuntimeError:
        return False
    finally:
        done.set()
        for thread in started:
            thread.join()
    return True
