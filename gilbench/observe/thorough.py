"""All that can be observed of a worker at once: the GIL, locks, functions, system calls, and where every thread is.

The observers disturb each other and the worker. What they see explains a difference that was measured without them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from gilbench.model.errors import GilbenchError
from gilbench.model.observed import Observation
from gilbench.model.study import Reading
from gilbench.observe.lock_waits import LockWaits
from gilbench.observe.program import ProgramWatch
from gilbench.observe.running import find_python
from gilbench.observe.schedstat import scheduled
from gilbench.observe.stacks import StackSampler

NAME = "thorough"
# Threads of a worker of which one works, and the main one waits for it: none waits for a lock.
_ALONE = (1, 2)


class ThoroughObserver:
    """Observes a worker, and hands over what it has seen, which does not fit into a reading.

    Args:
        pid: The worker.
        keep: Called with the worker's PID and what was seen.
    """

    def __init__(self, pid: int, keep: Callable[[int, Observation], None]) -> None:
        self.by: str | None = None
        self.reason: str | None = None
        self._pid, self._keep = pid, keep
        self._watch: ProgramWatch | None = None
        self._locks: LockWaits | None = None
        try:
            python = find_python(pid)
        except GilbenchError as error:
            self.reason = str(error)
            return
        with contextlib.ExitStack() as undo:
            if len(_cpu_waits(pid)) not in _ALONE:
                self._locks = LockWaits(python)  # attaches while the others do
                undo.callback(self._locks.finish)
            self._everyone = StackSampler(pid, everyone=True)
            undo.callback(self._everyone.finish)
            try:
                self._watch = ProgramWatch(python)
            except GilbenchError as error:
                self.reason = str(error)
                return
            if self._locks is not None:
                self._locks.ready()
            undo.pop_all()
        self._cpu_waits = _cpu_waits(pid)

    def finish(self, busy_seconds: float) -> Reading:
        """Stop observing."""
        if self._watch is None:
            return Reading(observer=NAME, unavailable=self.reason)
        before, after = self._cpu_waits, _cpu_waits(self._pid)
        profile = self._watch.finish()
        stacks = self._everyone.finish()
        locks = self._locks.finish() if self._locks is not None else None
        missing = [caveat.text for caveat in profile.caveats]
        if self._locks is not None and self._locks.unavailable is not None:
            missing.append(f"waits for locks: {self._locks.unavailable}")
        if profile.probe.strength != "exact" and profile.probe.reason:
            missing.append(f"exact times of the GIL: {profile.probe.reason}")
        self.by, self.reason = profile.probe.name, profile.probe.reason
        waited = {tid: max(0.0, seconds - before.get(tid, 0.0)) for tid, seconds in after.items()}
        if busy_seconds > 0:
            self._keep(self._pid, Observation(profile, stacks, locks, waited, tuple(missing)))
        return Reading(observer=NAME)


def _cpu_waits(pid: int) -> dict[int, float]:
    """Return the seconds that each thread was runnable without a CPU; empty: unknown."""
    found = {}
    with contextlib.suppress(OSError, ValueError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found[int(task.name)] = scheduled(pid, int(task.name)).ready
    return found
