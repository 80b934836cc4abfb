"""Temporary folders. The next gilbench removes the folders of one that was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "gilbench-scratch-"


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Create a folder that only this user can read, lock it, and remove it at the end."""
    clear()
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lock = _locked(folder)
        if lock is not None:
            break  # otherwise, another gilbench removed it before it was locked
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def clear() -> None:
    """Remove the folders that no process locks: their gilbench was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        lock = _locked(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _locked(folder: Path) -> int | None:
    """Lock a folder and return its descriptor; None if it is another user's, in use, or removed."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        opened, named = os.fstat(descriptor), folder.lstat()
        private = opened.st_uid == os.geteuid() and stat.S_IMODE(opened.st_mode) == stat.S_IRWXU
        if private and os.path.samestat(opened, named):
            return descriptor
    os.close(descriptor)
    return None
