"""Copies of the perf events of another process, which keep its probes in place until we close them.

The kernel lets a probe go after a grace period: 20 to 50 ms for a tracepoint, 80 to 190 ms for a uprobe. bpftrace
removes one after the other. With copies of its events here it ends at once, and the copies are closed in parallel
while gilbench goes on.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading

_PIDFD_GETFD = 438  # pidfd_getfd(2), the same on all architectures
_LIBC = ctypes.CDLL(None, use_errno=True)
_PERF_EVENT = "anon_inode:[perf_event]"


class PerfEvents:
    """Copies of the perf events of a process; none where the kernel (before 5.6) or its rules give none.

    Args:
        pid: The process.
    """

    def __init__(self, pid: int) -> None:
        self._copies: list[int] = []
        with contextlib.suppress(OSError):
            process = os.pidfd_open(pid)
            try:
                for number in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - numbers
                    if _is_perf_event(pid, number):
                        copy = _LIBC.syscall(_PIDFD_GETFD, process, int(number), 0)
                        if copy >= 0:
                            self._copies.append(copy)
            finally:
                os.close(process)

    def close(self) -> None:
        """Begin to close the copies. gilbench itself ends when all are closed."""
        copies, self._copies = self._copies, []
        for copy in copies:
            threading.Thread(target=os.close, args=(copy,), name="gilbench: remove a probe").start()


def _is_perf_event(pid: int, number: str) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/fd/{number}") == _PERF_EVENT  # noqa: PTH115 - no path
    except OSError:
        return False
