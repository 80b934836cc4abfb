"""One measurement at a time: a lock file that the kernel releases when its holder ends, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs

from gilbench.model.errors import UsageError

_STEP = 0.02  # s between two attempts
_LONG = 10.0  # s of waiting that are told


@contextlib.contextmanager
def turn(waiting: Callable[[str], None]) -> Iterator[float]:
    """Wait until no other process of this user measures, and let none begin before the end.

    Args:
        waiting: Receives a sentence if the wait is long.

    Yields:
        Seconds of waiting.

    Raises:
        UsageError: The lock file cannot be opened.
    """
    path = platformdirs.user_cache_path("gilbench") / "measuring.lock"
    descriptor = _opened(path)
    try:
        began = time.monotonic()
        told = False
        while not _locked(descriptor):
            if not told and time.monotonic() - began > _LONG:
                told = True
                waiting(f"waiting for another measurement{_holder(descriptor)}; its lock is {path}")
            time.sleep(_STEP)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield time.monotonic() - began
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise UsageError(f"cannot open {path}: {error.strerror}; set XDG_CACHE_HOME to a folder") from error


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> str:
    text = os.pread(descriptor, 20, 0)
    return f" (process {int(text)})" if text.isdigit() else ""
