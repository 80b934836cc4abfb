"""The futex on which a thread sleeps, as the kernel shows it in ``/proc/PID/task/TID/syscall``."""

from __future__ import annotations

from typing import NamedTuple

from gilbench.observe.architecture import architecture

_WAITS, _OPERATION = (0, 9), 0x7F  # FUTEX_WAIT and FUTEX_WAIT_BITSET, without their flags; see futex(2)
_REALTIME = 0x100  # flag
_RUNNING = b"running"


class FutexWait(NamedTuple):
    """A wait of a thread."""

    word: int  # address of the futex; 0: the thread sleeps on something else
    timeout: int = 0  # address of a struct timespec; 0: none
    relative: bool = False  # the timeout, which otherwise is a moment
    realtime: bool = False  # the clock of a moment; otherwise CLOCK_MONOTONIC


def futex_wait(pid: int, tid: int) -> FutexWait | None:
    """Return what a thread sleeps on; None: it is awake.

    Raises:
        OSError: The thread has ended, or may not be read.
        ValueError: The kernel shows something else.
    """
    with open(f"/proc/{pid}/task/{tid}/syscall", "rb", buffering=0) as file:
        words = file.read(256).split()
    known = architecture()
    if words[:1] == [_RUNNING]:
        return None
    if known is None or len(words) < 5 or words[0] != b"%d" % known.futex:  # noqa: PLR2004
        return FutexWait(0)
    word, operation, timeout = int(words[1], 16), int(words[2], 16), int(words[4], 16)
    if operation & _OPERATION not in _WAITS:
        return FutexWait(0)
    relative = operation & _OPERATION == _WAITS[0]
    return FutexWait(word, timeout, relative, bool(operation & _REALTIME))
