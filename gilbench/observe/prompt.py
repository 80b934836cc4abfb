"""Samples that come when they should.

The kernel lets a thread that has just woken up run for a while before another one that wakes up takes its CPU. If that
thread has acquired the GIL, a late sample comes after its release: of a GIL held for 1 ms at a time, a fifth was missed
(Linux 6.18, two CPUs; ``ci/bench_truth.py``).
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

from gilbench.observe.architecture import syscall_names

_ATTRIBUTES = struct.Struct("=IIQiIQQQ")  # struct sched_attr, sched_setattr(2)
_SLICE = 100_000  # ns, the shortest
_LIBC = ctypes.CDLL(None)


def run_promptly() -> None:
    """Let the calling thread run as soon as it wakes up, as far as its rights and the kernel allow.

    What it starts runs as usual.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        _ask_for_short_slices()


def _ask_for_short_slices() -> None:
    """Needs no rights. Since Linux 6.12, a thread with a shorter slice takes the CPU of others; before, no change."""
    attributes = _ATTRIBUTES.pack(_ATTRIBUTES.size, os.SCHED_OTHER, 0, 0, 0, _SLICE, 0, 0)
    for number, name in syscall_names(platform.machine()).items():
        if name == "sched_setattr":
            _LIBC.syscall(number, 0, attributes, 0)
