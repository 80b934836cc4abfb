"""Threads that neither take nor drop the GIL while they are watched: whether they hold it all the time, or wait.

A single busy thread never lets the GIL go, and a long call in C may outlast a profile: no probe sees an event.
Since such a thread's state does not change, one look at it is enough, and py-spy can take it.
"""

from __future__ import annotations

import contextlib
import json
import struct
import time
from pathlib import Path
from typing import Any, Literal

from gilbench.observe.stacks import find_py_spy
from gilbench.process import ProcessError, capture, clean_environment

Standing = dict[int, Literal["held", "wait"]]
_LIMIT = 5.0  # s for py-spy to answer
_FUTEX = "202"  # as /proc names the system call that a thread is in (x86-64)
_WAITS, _OPERATION = (0, 9), 0x7F  # FUTEX_WAIT and FUTEX_WAIT_BITSET, without their flags; see futex(2)
_REALTIME = 0x100  # flag
_LOOKS, _PAUSE = 5, 0.001  # s between two of them
_SOON = 0.1  # s; a thread that waits for the GIL looks again after each switch interval


def standing_threads(pid: int) -> Standing:
    """Who owns the GIL by py-spy now, and who is who wants it; {} where py-spy cannot say.

    It is for the caller to use this of such threads only as had no event.
    """
    threads = python_threads(pid)
    standing: Standing = {}
    for thread in threads:
        tid = thread.get("os_thread_id")
        if isinstance(tid, int) and thread.get("owns_gil"):
            standing[tid] = "held"
    if standing:
        for thread in threads:
            tid = thread.get("os_thread_id")
            if isinstance(tid, int) and tid not in standing and _wants_it(pid, tid):
                standing[tid] = "wait"
    return standing


def python_threads(pid: int) -> list[dict[str, Any]]:
    """Threads as py-spy dumps them: ``os_thread_id``, ``thread_name``, ``owns_gil``; [] where it cannot."""
    found = find_py_spy()
    if found is None:
        return []
    with contextlib.suppress(ProcessError, ValueError):
        done = capture(
            [found, "dump", "--json", "--nonblocking", "--pid", str(pid)],
            seconds=_LIMIT,
            env=clean_environment(),
            limit=1 << 24,
        )
        answer = json.loads(done.stdout) if done.status == 0 else []
        return [one for one in answer if isinstance(one, dict)] if isinstance(answer, list) else []
    return []


def _wants_it(pid: int, tid: int) -> bool:
    """Whether a thread waits for a moment at one of some looks: between two such waits it is awake."""
    for _ in range(_LOOKS):
        if _waits_for_a_moment(pid, tid):
            return True
        time.sleep(_PAUSE)
    return False


def _waits_for_a_moment(pid: int, tid: int) -> bool:
    """Whether a thread is in a futex wait that ends within a moment: so does one that wants the GIL."""
    try:
        words = Path(f"/proc/{pid}/task/{tid}/syscall").read_text("ascii").split()
        if words[0] != _FUTEX or int(words[2], 16) & _OPERATION not in _WAITS or not int(words[4], 16):
            return False
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            memory.seek(int(words[4], 16))
            seconds, nanoseconds = struct.unpack("=qq", memory.read(16))
    except (OSError, ValueError, IndexError, struct.error, OverflowError):
        return False
    if int(words[2], 16) & _OPERATION == _WAITS[0]:  # relative
        left = seconds + nanoseconds * 1e-9
    else:
        clock = time.CLOCK_REALTIME if int(words[2], 16) & _REALTIME else time.CLOCK_MONOTONIC
        left = seconds + nanoseconds * 1e-9 - time.clock_gettime(clock)
    return bool(left < _SOON)
