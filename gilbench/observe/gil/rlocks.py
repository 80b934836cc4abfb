"""Which thread holds a ``threading.RLock`` of CPython 3.14 or later. A plain lock does not know its holder."""

from __future__ import annotations

import os

from gilbench.interpreters.image import Image
from gilbench.interpreters.layout import published_offsets
from gilbench.observe.gil.memory import thread_at

_HEAD = 16  # offset of the lock's word from the start of the object, behind its type
_OWNER = 8  # offset of the owner from the lock's word: _PyRecursiveMutex in pycore_lock.h
_NAME = b"_thread.RLock\0"


class RLocks:
    """Reads the locks of one process.

    Args:
        memory: Its memory, an open file.
        image: The file that holds its interpreter.
    """

    def __init__(self, memory: int, image: Image) -> None:
        self._memory, self._offsets = memory, published_offsets(image)

    def holder(self, lock: int) -> int | None:
        """Return the thread that holds a lock now; None: none does, or the lock does not tell.

        Args:
            lock: The address on which the threads that wait for it are parked.
        """
        if self._offsets is None:
            return None
        try:
            kind = self._word(lock - _HEAD + self._offsets["pyobject.ob_type"])
            name = self._word(kind + self._offsets["type_object.tp_name"])
            if os.pread(self._memory, len(_NAME), name) != _NAME:
                return None
            return thread_at(self._memory, self._word(lock + _OWNER))
        except (OSError, OverflowError):
            return None

    def _word(self, address: int) -> int:
        return int.from_bytes(os.pread(self._memory, 8, address), "little")
