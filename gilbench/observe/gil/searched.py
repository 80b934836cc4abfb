"""Finds the GIL of CPython 3.7 to 3.12 in a process's memory, without symbols of its functions.

``struct _gil_runtime_state`` (pycore_gil.h) is within the exported ``_PyRuntime``: the switch interval in µs, the
thread state of the last holder, whether it is locked, the number of switches, and then the condition variable and the
mutex of glibc, and two more for the thread that hands it over.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator

from gilbench.interpreters.image import Place
from gilbench.observe.gil.gil_snapshot import MUTEXES, Conditions, GilSnapshot
from gilbench.observe.gil.memory import thread_at, threads_of

_INTERVAL = 5000  # µs, of an interpreter that was told no other
_HEAD = struct.Struct("<QQiiQ")  # interval, last holder, locked, padding, switches
_CONDITION, _MUTEX, _END = 32, 80, 208  # offsets of the first two, and of what follows
_MUTEX_WORDS = struct.Struct("<IIIII")  # lock, count, owner, users, kind
_LOWEST, _HIGHEST = 1 << 12, 1 << 47  # addresses in user space
_MOST_SWITCHES = 1 << 40
_THREAD_STATE = 512  # bytes of a thread state that are searched


class SearchedGil:
    """The GIL of one process.

    Args:
        pid: The process.
        memory: Its memory, as a file to close.
        runtime: The place of ``_PyRuntime``.

    Raises:
        LookupError: There is no GIL (yet), or more than one place could be it.
        OSError: The memory cannot be read.
    """

    def __init__(self, pid: int, memory: int, runtime: Place) -> None:
        self._pid, self._memory = pid, memory
        self._conditions = Conditions()
        found = list(self._candidates(runtime))
        if len(found) != 1:
            raise LookupError(f"{len(found)} addresses in _PyRuntime could be the GIL")
        self._address = found[0]

    def close(self) -> None:
        """See ``Gils``."""
        os.close(self._memory)

    def holders(self) -> list[int]:
        """See ``Gils``."""
        _, last, locked, _, _ = _HEAD.unpack(
            os.pread(self._memory, _HEAD.size, self._address).ljust(32, b"\0")
        )
        return [int(last)] if locked == 1 else []

    def snapshot(self) -> GilSnapshot:
        """See ``Gils``."""
        content = os.pread(self._memory, _END, self._address).ljust(_END, b"\0")
        _, last, locked, _, switches = _HEAD.unpack_from(content)
        return GilSnapshot(
            [last] if locked == 1 else [], switches, self._conditions.waiting(content, _CONDITION)
        )

    def is_ours(self, word: int) -> bool:
        """See ``Gils``."""
        return self._address + _CONDITION <= word < self._address + _END

    def is_mutex(self, word: int) -> bool:
        """See ``Gils``."""
        return word - self._address - _CONDITION in MUTEXES

    def thread_of(self, state: int) -> int | None:
        """See ``Gils``.

        A thread state holds the address of glibc's descriptor of its thread, which holds its own address and
        the kernel's number of the thread (in the process's own namespace).
        """
        with contextlib.suppress(OSError):
            numbers = threads_of(self._pid)
            content = os.pread(self._memory, _THREAD_STATE, state)
            for (word,) in struct.iter_unpack("<Q", content[: len(content) // 8 * 8]):
                number = thread_at(self._memory, word)
                if number in numbers:
                    return numbers[number]
        return None

    def _candidates(self, place: Place) -> Iterator[int]:
        content = os.pread(self._memory, place.size, place.address)
        wanted = _INTERVAL.to_bytes(8, "little")
        at = content.find(wanted)
        while at >= 0:
            if at % 8 == 0 and at + _MUTEX + _MUTEX_WORDS.size <= len(content) and is_gil(content, at):
                yield place.address + at
            at = content.find(wanted, at + 1)


def is_gil(content: bytes, at: int) -> bool:
    """Whether the words at an offset could be a GIL."""
    _, last, locked, padding, switches = _HEAD.unpack_from(content, at)
    lock, _, _, users, kind = _MUTEX_WORDS.unpack_from(content, at + _MUTEX)
    return bool(
        _LOWEST <= last < _HIGHEST
        and last % 8 == 0
        and locked in {0, 1}
        and padding == 0
        and switches < _MOST_SWITCHES
        and lock in {0, 1, 2}
        and users <= 1
        and kind == 0
    )
