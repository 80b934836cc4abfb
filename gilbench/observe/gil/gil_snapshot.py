"""The GILs of a process at one moment, and the number of threads that wait for a condition of glibc.

``struct _gil_runtime_state`` has two conditions, each followed by a mutex. On the first one, threads wait for the GIL;
on the second one, a thread that hands it over waits until another one has acquired it. A condition counts its waiters,
also those that have been woken up and have no CPU yet. A mutex does not; on a busy host, many threads can wait for it.
"""

from __future__ import annotations

from typing import NamedTuple

_SECOND = 88  # offset of the second condition from the first one
# Offsets of ``__wrefs`` in pthread_cond_t of 64-bit hosts: glibc 2.41 and later, and before. Its lowest bits are flags,
# the same in all conditions of CPython: CLOCK_MONOTONIC. Other fields change.
_COUNTS = (28, 36)
_FLAGS, _MONOTONIC, _SHIFT = 7, 2, 3
MUTEXES = (48, 136)  # offsets of the mutexes from the first condition


class GilSnapshot(NamedTuple):
    """All GILs of a process together."""

    holders: list[int] | None  # thread states; None: unknown
    switches: int | None  # times that a GIL went to another thread; None: unknown
    waiting: int | None  # threads that wait on conditions of a GIL, and not for its mutexes; None: unknown


class Conditions:
    """Counts the threads that wait on the conditions of GILs; it finds out where the counts are."""

    def __init__(self) -> None:
        self._counts = list(_COUNTS)

    def waiting(self, content: bytes, first: int) -> int | None:
        """Return the number of threads that wait for a GIL; None: unknown.

        Args:
            content: Memory of the GIL.
            first: Offset of its first condition.
        """
        while self._counts:
            words = (first + at + self._counts[0] for at in (0, _SECOND))
            counts = [int.from_bytes(content[word : word + 4], "little") for word in words]
            if all(count & _FLAGS == _MONOTONIC for count in counts):
                return sum(count >> _SHIFT for count in counts)
            del self._counts[0]
        return None
