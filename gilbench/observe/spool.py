"""A file without a name in which lines wait for their reader, whoever writes them."""

from __future__ import annotations

import ctypes
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_CHUNK = 1 << 20  # bytes that are read at once
_RETRY = 0.01  # s between two checks for more
_PUNCH_HOLE = 3  # fallocate(2), the file's length stays
_LIBC = ctypes.CDLL(None)


def spooled(folder: Path) -> tuple[int, int]:
    """A file without a name, to be read and to be appended to."""
    with tempfile.TemporaryFile(dir=folder) as file:
        itself = f"/proc/self/fd/{file.fileno()}"  # no name that another user could give to another file
        return os.open(itself, os.O_RDWR), os.open(itself, os.O_WRONLY | os.O_APPEND)


def followed(descriptor: int, grows: Callable[[], bool]) -> Iterator[bytes]:
    """The lines of a file while it grows; the disk space of what was read is given back."""
    with open(descriptor, "r+b", buffering=0) as file:
        torn = b""
        while True:
            last = not grows()  # what was written before is there now
            if chunk := file.read(_CHUNK):
                *whole, torn = (torn + chunk).split(b"\n")
                yield from whole
                _forget(file.fileno(), file.tell())
            elif last:
                return
            else:
                time.sleep(_RETRY)


def _forget(descriptor: int, length: int) -> None:
    """Release the disk space of the first bytes of a file; do nothing if this is not possible."""
    _LIBC.fallocate(descriptor, _PUNCH_HOLE, ctypes.c_long(0), ctypes.c_long(length))
