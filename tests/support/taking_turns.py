"""Several pytest processes on one machine: what measures runs alone, all other tests run side by side."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Files of the checkout: nothing is left over, and the lock of a process that is killed is gone.
_DOOR = Path(__file__)
_ROOM = Path(__file__).with_name("commands.py")


@contextmanager
def turn(*, alone: bool) -> Iterator[None]:
    """Lock the machine while a test runs: shared with other tests, or alone.

    While a test waits to be alone, it keeps the door, so that no other test starts.
    """
    with _DOOR.open() as door, _ROOM.open() as room:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(room, fcntl.LOCK_UN)  # also for children that have a copy of the descriptor
