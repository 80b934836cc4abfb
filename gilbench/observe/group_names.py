"""The groups of a program's threads, by the patterns of their names, in constant memory.

Names are read once for each thread. An interpreter that publishes its layout is read from outside; another one is asked
by py-spy, which costs more, so that it is asked rarely.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection

from gilbench.interpreters.image import read_image
from gilbench.interpreters.layout import published_offsets
from gilbench.model.threads import pattern_of
from gilbench.model.watch import OTHER
from gilbench.observe.free_threaded_names import FreeThreadedNames
from gilbench.observe.gil.standing import python_threads
from gilbench.observe.running import RunningPython

UNNAMED = "unnamed"
_MAIN = "MainThread"
_MOST = 64  # groups
_LONGEST = 80  # letters of a group's name
_WORK = 0.001  # of the time that reading names may take, beginning with the second time
_AT_ONCE = 200  # threads that are read at a time


class GroupLabels:
    """The names of groups that are in use: the first ``_MOST`` that came; the threads of all others are one group."""

    def __init__(self) -> None:
        self._known = {OTHER}

    def label(self, name: str | None) -> str:
        """Return the group of a thread by its name."""
        wanted = (pattern_of(name) or UNNAMED)[:_LONGEST]
        if wanted not in self._known and len(self._known) < _MOST:
            self._known.add(wanted)
        return wanted if wanted in self._known else OTHER


class GroupNames:
    """Finds the groups of the threads of one process.

    Args:
        python: The process.
        labels: The groups of the program, also of its earlier processes.
    """

    def __init__(self, python: RunningPython, labels: GroupLabels) -> None:
        self._python, self._labels = python, labels
        self._names: dict[int, str | None] = {}
        self._next = 0.0
        with contextlib.suppress(OSError, ValueError):
            if published_offsets(read_image(python.code)) is not None:
                self._published = True
                return
        self._published = False

    def learn(self, living: Collection[int]) -> None:
        """Read the names of new threads if it is time, and forget those of threads that ended."""
        for tid in self._names.keys() - set(living):
            del self._names[tid]
        unknown = [tid for tid in living if self._names.get(tid) is None and tid != self._python.pid]
        begun = time.monotonic()
        if not unknown or begun < self._next:
            return
        self._read(unknown[-_AT_ONCE:])
        self._next = begun + (time.monotonic() - begun) / _WORK

    def of(self, tid: int) -> str:
        """Return the group of a thread."""
        return self._labels.label(_MAIN if tid == self._python.pid else self._names.get(tid))

    def _read(self, tids: Collection[int]) -> None:
        if self._published:
            names = FreeThreadedNames(self._python)
            names.ask(tids)
            self._names |= {tid: names.of(tid, None) for tid in tids}
            return
        for thread in python_threads(self._python.pid).threads:
            tid, name = thread.get("os_thread_id"), thread.get("thread_name")
            if tid in tids and isinstance(tid, int) and name:
                self._names[tid] = str(name)
