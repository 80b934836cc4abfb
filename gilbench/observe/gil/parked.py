"""Whether a thread of a free-threaded CPython 3.13 or later is parked on a lock, read from its stack.

A thread parks in ``_PyParkingLot_Park`` (parking_lot.c). On its stack is a ``struct wait_entry``: an argument for the
unlocker, the address that it parks on, and the semaphore on which it sleeps. ``PyMutex_Lock`` passes an argument, on
the stack too, and the byte that it parks on has a bit for that. An event passes none.
"""

from __future__ import annotations

import contextlib
import struct

from gilbench.observe.gil.interpreter_memory import InterpreterMemory

_ENTRY = struct.Struct("<QQ")  # argument and address, before the semaphore
_HAS_PARKED = 2  # of a PyMutex
_STACK = 1 << 16  # B within which the argument lies
_LOCK = "lock"  # end of the names of types whose instances are locks of the program


class ParkedThreads:
    """Reads one process.

    Args:
        memory: Its memory.
    """

    def __init__(self, memory: InterpreterMemory) -> None:
        self._memory = memory

    def on_lock(self, word: int) -> bool:
        """Return whether a thread waits for a lock of the interpreter: of an object, or an internal one.

        Locks of the program (``threading.Lock``) are none.

        Args:
            word: The futex on which it sleeps.
        """
        with contextlib.suppress(OSError, struct.error):
            argument, address = _ENTRY.unpack(self._memory.read(word - _ENTRY.size, _ENTRY.size))
            if abs(argument - word) > _STACK:  # none, or a stale word
                return False
            return bool(self._memory.read(address, 1)[0] & _HAS_PARKED) and not self._of_program(address)
        return False

    def _of_program(self, address: int) -> bool:
        """Return whether a PyMutex is that of a lock object, behind the object's head."""
        with contextlib.suppress(OSError):
            head = address - self._memory.offset("pyobject.size")
            kind = self._memory.word(head + self._memory.offset("pyobject.ob_type"))
            name = self._memory.word(kind + self._memory.offset("type_object.tp_name"))
            return self._memory.read(name, 32).partition(b"\0")[0].decode("latin-1").endswith(_LOCK)
        return False
