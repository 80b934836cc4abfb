"""Threads without GIL events: whether they hold the GIL all the time, or wait for it.

A single busy thread never releases the GIL, and a long call in C may outlast a profile: no probe sees an event.
Since the state of such a thread does not change, one snapshot is enough: py-spy's, or of the published offsets.
"""

from __future__ import annotations

import contextlib
import json
import struct
import time
from collections.abc import Collection
from typing import Any, Literal, NamedTuple

from gilbench.host.capture import capture
from gilbench.host.environment import clean_environment
from gilbench.host.process import ProcessError
from gilbench.interpreters.image import read_image
from gilbench.observe.gil.futex_wait import futex_wait
from gilbench.observe.gil.interpreter_memory import InterpreterMemory
from gilbench.observe.running import RunningPython
from gilbench.observe.stacks import find_py_spy

Standing = dict[int, Literal["held", "wait"]]
_LIMIT = 5.0  # s for py-spy to answer
_CHECKS, _PAUSE = 5, 0.001  # s between two checks
_SOON = 0.1  # s; a thread that waits for the GIL wakes up after each switch interval


def standing_threads(python: RunningPython, tids: Collection[int] | None = None) -> Standing:
    """Return the thread that holds the GIL now, and the threads that wait for it; {} if the process cannot be read.

    Only the states of threads without events are reliable.

    Args:
        python: The process.
        tids: Threads without events, while others exchange the GIL, so that none of these holds it. None: unknown.
    """
    if tids is not None and not _waiting(python.pid, set(tids)):
        return {}  # py-spy takes seconds for thousands of threads
    holds = _free_threaded(python) if python.free_threaded else _by_py_spy(python.pid)
    standing: Standing = {tid: "held" for tid, holder in holds.items() if holder}
    if standing:
        waiting = _waiting(python.pid, holds.keys() - standing.keys())
        standing |= dict.fromkeys(waiting, "wait")
    return standing


def _by_py_spy(pid: int) -> dict[int, bool]:
    """Return the threads of Python's, and whether each holds the GIL."""
    dumped = python_threads(pid).threads
    threads = {thread.get("os_thread_id"): bool(thread.get("owns_gil")) for thread in dumped}
    return {tid: holder for tid, holder in threads.items() if isinstance(tid, int)}


def _free_threaded(python: RunningPython) -> dict[int, bool]:
    """Return the same of a free-threaded build, which py-spy cannot read."""
    with (
        contextlib.suppress(OSError, LookupError, ValueError),
        InterpreterMemory(python.pid, read_image(python.code), python.mapped) as memory,
    ):
        holders = memory.holders()
        return {tid: tid in holders for tid in memory.threads()}
    return {}


class Dump(NamedTuple):
    """py-spy's dump of a process."""

    threads: tuple[
        dict[str, Any], ...
    ] = ()  # ``os_thread_id``, ``thread_name``, ``owns_gil``; empty: it failed
    cpu: float = 0.0  # s of CPU time that py-spy used; one that was killed, at most


def python_threads(pid: int) -> Dump:
    """Ask py-spy for the threads of a process."""
    found = find_py_spy()
    if found is None:
        return Dump()
    begun = time.monotonic()
    try:
        done = capture(
            [found, "dump", "--json", "--nonblocking", "--pid", str(pid)],
            seconds=_LIMIT,
            env=clean_environment(),
            limit=1 << 24,
        )
    except ProcessError:
        return Dump(cpu=time.monotonic() - begun)
    answer: object = None
    if done.status == 0:
        with contextlib.suppress(ValueError):
            answer = json.loads(done.stdout)
    threads = answer if isinstance(answer, list) else []
    return Dump(tuple(one for one in threads if isinstance(one, dict)), done.cpu or 0.0)


def _waiting(pid: int, tids: set[int]) -> set[int]:
    """Return the threads that are in a short wait in one of some checks: between two such waits they are awake."""
    found: set[int] = set()
    left = tids
    for _ in range(_CHECKS):
        seen = {tid: _waits_briefly(pid, tid) for tid in left}
        found |= {tid for tid, waits in seen.items() if waits}
        left = {tid for tid, waits in seen.items() if waits is None}
        time.sleep(_PAUSE)
    return found


def _waits_briefly(pid: int, tid: int) -> bool | None:
    """Return whether a thread is in a futex wait that ends soon, like one that waits for the GIL; None: it is awake."""
    try:
        wait = futex_wait(pid, tid)
        if wait is None:
            return None
        if not wait.word or not wait.timeout:
            return False
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            memory.seek(wait.timeout)
            seconds, nanoseconds = struct.unpack("=qq", memory.read(16))
    except (OSError, ValueError, struct.error, OverflowError):
        return False
    left = seconds + nanoseconds * 1e-9
    if not wait.relative:
        left -= time.clock_gettime(time.CLOCK_REALTIME if wait.realtime else time.CLOCK_MONOTONIC)
    return bool(left < _SOON)
