"""The system call in which a thread sleeps, as the kernel shows it in ``/proc/PID/task/TID/syscall``."""

from __future__ import annotations

from typing import NamedTuple

from gilbench.observe.architecture import architecture

_WAITS, _OPERATION = (0, 9), 0x7F  # FUTEX_WAIT and FUTEX_WAIT_BITSET, without their flags; see futex(2)
_REALTIME = 0x100  # flag
_RUNNING = b"running"
_WORDS = 9


class SystemCall(NamedTuple):
    """A system call in which a thread sleeps."""

    number: int
    arguments: tuple[int, ...]  # 6 words
    stack: int  # the thread's stack pointer


class FutexWait(NamedTuple):
    """A wait of a thread."""

    word: int  # address of the futex; 0: the thread sleeps on something else
    timeout: int = 0  # address of a struct timespec; 0: none
    relative: bool = False  # the timeout, which otherwise is a moment
    realtime: bool = False  # the clock of a moment; otherwise CLOCK_MONOTONIC


def system_call(pid: int, tid: int) -> SystemCall | None:
    """Return the system call in which a thread sleeps; number -1: it sleeps in none. None: it is awake.

    Raises:
        OSError: The thread has ended, or may not be read.
        ValueError: The kernel shows something else.
    """
    with open(f"/proc/{pid}/task/{tid}/syscall", "rb", buffering=0) as file:
        return read_call(file.read(256))


def read_call(content: bytes) -> SystemCall | None:
    """Return the system call of a file ``syscall``, as ``system_call`` does.

    Raises:
        ValueError: The kernel shows something else.
    """
    words = content.split()
    if words[:1] == [_RUNNING]:
        return None
    if len(words) < _WORDS:
        return SystemCall(-1, (0,) * 6, 0)
    number, *others = int(words[0]), *(int(word, 16) for word in words[1:8])
    return SystemCall(number, tuple(others[:6]), others[6])


def futex_wait(pid: int, tid: int) -> FutexWait | None:
    """Return the futex on which a thread sleeps; None: it is awake.

    Raises:
        OSError: The thread has ended, or may not be read.
        ValueError: The kernel shows something else.
    """
    call = system_call(pid, tid)
    return None if call is None else wait_of(call)


def wait_of(call: SystemCall) -> FutexWait:
    """Return the futex on which a thread sleeps in a system call."""
    known = architecture()
    word, operation, _, timeout, *_ = call.arguments
    if known is None or call.number != known.futex or operation & _OPERATION not in _WAITS:
        return FutexWait(0)
    relative = operation & _OPERATION == _WAITS[0]
    return FutexWait(word, timeout, relative, bool(operation & _REALTIME))
