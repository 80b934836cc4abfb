"""What a thread sleeps on: the object in the kernel or in the memory of its process."""

from __future__ import annotations

import os
import platform
import re
import struct
from pathlib import Path
from typing import NamedTuple

from gilbench.observe.architecture import syscall_names
from gilbench.observe.gil.futex_wait import SystemCall, wait_of

FUTEX = "futex"  # kind of a sleep on a word of memory: a lock of Python's or of C's
_ON_STACK = 1 << 16  # bytes above the stack pointer in which the semaphore of a parked thread is
_SLEEPS = {"nanosleep", "clock_nanosleep"}
_CHILDREN = {"wait4", "waitid"}
_SELECTS, _POLLS, _EPOLLS = {"select", "pselect6"}, {"poll", "ppoll"}, re.compile("epoll_p?wait2?")
_OF_FILES = re.compile(
    r"p?readv?2?|p?writev?2?|pread64|pwrite64|fsync|fdatasync|flock|fcntl|ioctl|sendfile|splice"
)
_OF_SOCKETS = re.compile(r"recv(from|m?msg)|send(to|m?msg)|accept4?|connect")
_FILE_KINDS = (("socket:", "socket"), ("pipe:", "pipe"), ("/dev/pts/", "terminal"), ("/dev/tty", "terminal"))
_POLLED = struct.Struct("=i")  # file descriptor, at the start of a struct pollfd


class Sleep(NamedTuple):
    """A sleep of a thread."""

    kind: str  # FUTEX, "sleep", "socket", "pipe", "file", "poll", "child process", ..., else the system call
    lock: int | None = None  # of a futex: address of the lock or of its semaphore


def sleep_of(pid: int, call: SystemCall, memory: int) -> Sleep:
    """Describe a system call in which a thread sleeps.

    Args:
        pid: Its process.
        call: The call.
        memory: The memory of the process, an open file.
    """
    wait = wait_of(call)
    if wait.word:
        return Sleep(FUTEX, _lock(call.stack, wait.word, memory))
    name = syscall_names(platform.machine()).get(call.number, f"system call {call.number}")
    first, second = call.arguments[:2]
    if name in _SLEEPS or (name in _SELECTS and first == 0) or (name in _POLLS and second == 0):
        return Sleep("sleep")  # time.sleep of old versions is a select without files
    if name in _CHILDREN:
        return Sleep("child process")
    if name in _POLLS and second == 1:
        polled = _read(memory, first, _POLLED.size)
        return Sleep(_file(pid, _POLLED.unpack(polled)[0]) if polled else "poll")
    if name in _POLLS or name in _SELECTS or _EPOLLS.fullmatch(name):
        return Sleep("poll")
    if _OF_SOCKETS.fullmatch(name):
        return Sleep("socket")
    return Sleep(_file(pid, first) if _OF_FILES.fullmatch(name) else name)


def _lock(stack: int, word: int, memory: int) -> int:
    """Return what identifies a lock.

    A thread that is parked (3.13 and later) sleeps on a semaphore of its own in ``struct wait_entry`` (parking_lot.c),
    which is on its stack. Before the semaphore is the address on which it is parked. Older locks are semaphores.
    """
    if stack <= word < stack + _ON_STACK:
        parked = int.from_bytes(_read(memory, word - 8, 8), "little")
        return parked or word
    return word


def _file(pid: int, number: int) -> str:
    try:
        name = str(Path(f"/proc/{pid}/fd/{number}").readlink())
    except OSError:
        return "file"
    return next((kind for prefix, kind in _FILE_KINDS if name.startswith(prefix)), "file")


def _read(memory: int, address: int, size: int) -> bytes:
    """Return the bytes at an address; none if there is nothing."""
    try:
        found = os.pread(memory, size, address)
    except (OSError, OverflowError):
        return b""
    return found if len(found) == size else b""
