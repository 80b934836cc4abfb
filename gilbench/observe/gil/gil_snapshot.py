"""The GILs of a process at one moment, and the number of threads that wait for a condition of glibc.

``struct _gil_runtime_state`` has two conditions, each followed by a mutex. On the first one, threads wait for the GIL;
on the second one, a thread that hands it over waits until another one has acquired it. A condition counts its waiters,
also those that have been woken up and have no CPU yet. A mutex does not; on a busy host, many threads can wait for it.
"""

from __future__ import annotations

from typing import NamedTuple

_SECOND = 88  # offset of the second condition from the first one
# Offset of ``__wrefs`` in pthread_cond_t on 64-bit hosts, up to glibc 2.40, and later. Its lowest bits are flags:
# conditions of CPython use CLOCK_MONOTONIC.
_COUNTS = (36, 28)
_FLAGS, _MONOTONIC, _SHIFT = 7, 2, 3
_MOST = 100_000  # threads


MUTEXES = (48, 136)  # offsets of the mutexes from the first condition


class GilSnapshot(NamedTuple):
    """All GILs of a process together."""

    holders: list[int]  # thread states
    switches: int | None  # times that a GIL went to another thread; None: unknown
    waiting: int | None  # threads that wait on conditions of a GIL, and not for its mutexes; None: unknown


def waiting_threads(content: bytes, first: int) -> int:
    """Return the number of threads that wait for a GIL.

    Args:
        content: Memory of the GIL.
        first: Offset of its first condition.
    """
    return sum(_waiters(content, first + at) for at in (0, _SECOND))


def _waiters(content: bytes, condition: int) -> int:
    for offset in _COUNTS:
        count = int.from_bytes(content[condition + offset : condition + offset + 4], "little")
        if count & _FLAGS == _MONOTONIC and count >> _SHIFT < _MOST:
            return count >> _SHIFT
    return 0
