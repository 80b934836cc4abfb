"""Where the memory of a process holds what a probe reads, and how its threads are numbered."""

from __future__ import annotations

import contextlib
import os
import struct
from pathlib import Path

_LOWEST, _HIGHEST = 1 << 12, 1 << 47  # addresses in user space
_SELF, _TID = 16, 720  # in glibc's thread descriptor on x86-64: its own address, and the kernel's number


def base_of(pid: int, name: str) -> int:
    """Return where a process has mapped a file.

    Raises:
        LookupError: It has not.
    """
    for line in Path(f"/proc/{pid}/maps").read_text("utf-8", "replace").splitlines():
        cells = line.split(maxsplit=5)  # range, rights, offset, device, inode, file
        if Path(cells[-1]).name == Path(name).name and int(cells[2], 16) == 0:
            return int(cells[0].partition("-")[0], 16)
    raise LookupError(f"process {pid} has not mapped {name}")


def threads_of(pid: int) -> dict[int, int]:
    """Return the threads of a process: our numbers by the process's own (in its PID namespace).

    Raises:
        OSError: The process has ended.
    """
    numbers = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        own = _own_number(task)
        if own is not None:
            numbers[own] = int(task.name)
    return numbers


def thread_number(pid: int, own: int) -> int | None:
    """Return our number of a thread by the process's own; None: the process has no such thread.

    Raises:
        OSError: The process has ended.
    """
    if _own_number(Path(f"/proc/{pid}/task/{own}")) == own:
        return own
    return threads_of(pid).get(own)


def thread_at(memory: int, descriptor: int) -> int | None:
    """Return the number of the thread that has a descriptor of glibc, in the process's own PID namespace.

    Args:
        memory: The memory of the process, an open file.
        descriptor: What could be its address, as ``pthread_self`` returns it.

    Returns:
        None: There is no descriptor.
    """
    if not _LOWEST <= descriptor < _HIGHEST or descriptor % 64:
        return None
    with contextlib.suppress(OSError, struct.error):
        if struct.unpack("<Q", os.pread(memory, 8, descriptor + _SELF))[0] == descriptor:
            return struct.unpack("<i", os.pread(memory, 4, descriptor + _TID))[0]  # type: ignore[no-any-return]
    return None


def _own_number(task: Path) -> int | None:
    with contextlib.suppress(OSError, StopIteration):
        status = (task / "status").read_text("utf-8", "replace").splitlines()
        return int(next(line for line in status if line.startswith("NSpid:")).split()[-1])
    return None
