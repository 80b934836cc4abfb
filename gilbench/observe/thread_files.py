"""The living threads of a process, and their files in ``/proc``, which stay open: that makes reading them cheap."""

from __future__ import annotations

import contextlib
import os
import time

_FILES = 256  # that are kept open; others are opened each time
_LIST = 0.001  # of the time that listing the threads may take
_LONGEST = 4096  # B


class ThreadFiles:
    """Lists the threads of a process, and reads their files.

    Args:
        pid: The process.
    """

    def __init__(self, pid: int) -> None:
        self._folder = f"/proc/{pid}/task"
        self._files: dict[tuple[int, str], int] = {}
        self._next = 0.0
        self.living: list[int] = []

    def refresh(self) -> None:
        """List the threads anew if it is time.

        Raises:
            OSError: The process has ended.
        """
        begun = time.monotonic()
        if begun < self._next:
            return
        self.living = [int(name) for name in os.listdir(self._folder)]  # noqa: PTH208 - half as dear
        living = set(self.living)
        for key in [key for key in self._files if key[0] not in living]:
            os.close(self._files.pop(key))
        self._next = begun + (time.monotonic() - begun) / _LIST

    def read(self, tid: int, name: str) -> bytes:
        """Return a file of a thread.

        Raises:
            OSError: The thread has ended, or may not be read.
        """
        key = tid, name
        file = self._files.get(key)
        if file is None:
            file = os.open(f"{self._folder}/{tid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
            if len(self._files) >= _FILES:
                try:
                    return os.pread(file, _LONGEST, 0)
                finally:
                    os.close(file)
            self._files[key] = file
        try:
            return os.pread(file, _LONGEST, 0)
        except OSError:
            os.close(self._files.pop(key))
            raise

    def close(self) -> None:
        """Close all files."""
        while self._files:
            with contextlib.suppress(OSError):
                os.close(self._files.popitem()[1])
