"""Small real processes, and what they leave behind."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path

LONG = 10.0  # s, for what surely comes


def python(code: str) -> list[str]:
    """A command that runs some code, and is there at once."""
    return [sys.executable, "-I", "-S", "-c", code]


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def wait_for_end(pid: int) -> bool:
    """Wait until a process that need not be our child has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], LONG)[0])
    finally:
        os.close(descriptor)
