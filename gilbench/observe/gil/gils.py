"""The GILs of one process in its memory: who holds them, and which futexes are theirs.

CPython 3.13 and later publish where they keep them, one for each interpreter that does not share its GIL. The GIL of
3.7 to 3.12 is found by its content (``searched.py``), and that of 2.7 by a symbol (``old_gil.py``).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from typing import Protocol

from gilbench.interpreters.image import Image
from gilbench.interpreters.layout import published_offsets
from gilbench.observe.gil.gil_snapshot import MUTEXES, Conditions, GilSnapshot
from gilbench.observe.gil.interpreter_memory import InterpreterMemory
from gilbench.observe.gil.memory import base_of
from gilbench.observe.gil.old_gil import VARIABLE, OldGil
from gilbench.observe.gil.searched import SearchedGil

FIRST, LAST = (3, 7), (3, 12)  # versions whose GIL is searched
# ``struct _gil_runtime_state`` after ``locked``: the number of switches, two condition variables and two mutexes of
# glibc on x86-64.
_SWITCHES, _CONDITION, _END = 8, 16, 192
_REFRESH = 0.1  # s after which the interpreters are listed anew


class Gils(Protocol):
    """Reads the GILs of one process, whose memory we may read."""

    def holders(self) -> list[int]:
        """Return the addresses of the thread states that hold a GIL.

        Raises:
            OSError: The process has ended.
        """

    def snapshot(self) -> GilSnapshot:
        """Return the state of all GILs.

        Raises:
            OSError: The process has ended.
        """

    def is_ours(self, word: int) -> bool:
        """Whether a futex belongs to a GIL of the process, present or past."""

    def is_mutex(self, word: int) -> bool:
        """Whether a futex is a mutex of a GIL, for which threads wait that ``snapshot`` does not count."""

    def thread_of(self, state: int) -> int | None:
        """Return the kernel's number of the thread of a thread state; None: it has none."""

    def close(self) -> None:
        """Close the memory of the process."""


def find_gils(pid: int, image: Image, name: str) -> Gils:
    """Find the GILs of a process.

    Args:
        pid: The process.
        image: The file with its interpreter.
        name: The file as the process names it.

    Raises:
        LookupError: There is no GIL (yet), or more than one place could be it.
        OSError: The memory cannot be read.
    """
    if published_offsets(image) is not None:
        return PublishedGils(InterpreterMemory(pid, image, name))
    found = image.runtime() or image.place(VARIABLE)
    if found is None:
        raise LookupError(
            f"{name} has neither of the symbols _PyRuntime and {VARIABLE}, which lead to the GIL"
        )
    place = found._replace(address=found.address + (base_of(pid, name) if image.relocated else 0))
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    if image.runtime() is None:
        return OldGil(memory, place.address)
    try:
        return SearchedGil(pid, memory, place)
    except (OSError, LookupError):
        os.close(memory)
        raise


class HoldingThreads:
    """The threads that hold the GILs of one process; the threads of thread states are remembered.

    Args:
        pid: The process.
        gils: Its GILs.
    """

    def __init__(self, pid: int, gils: Gils) -> None:
        self._pid, self._gils = pid, gils
        self._threads: dict[int, int | None] = {}  # by thread state

    def now(self) -> set[int]:
        """Return the threads that hold a GIL.

        Raises:
            OSError: The process has ended.
        """
        return self.of(self._gils.holders())

    def of(self, states: Iterable[int]) -> set[int]:
        """Return the threads of thread states."""
        return {tid for state in states if (tid := self._thread_of(state)) is not None}

    def _thread_of(self, state: int) -> int | None:
        """Return the thread of a thread state, whose memory may serve another thread after its end."""
        known = self._threads.get(state)
        if known is None or not os.path.exists(f"/proc/{self._pid}/task/{known}"):  # noqa: PTH110 - half as dear
            known = self._threads[state] = self._gils.thread_of(state)
        return known


class PublishedGils:
    """The GILs of CPython 3.13 and later.

    Args:
        memory: The memory of the process, to be closed.

    Raises:
        LookupError: There is no GIL yet.
        OSError: The memory cannot be read.
    """

    def __init__(self, memory: InterpreterMemory) -> None:
        self._memory, self._conditions = memory, Conditions()
        self._start = memory.offset("interpreter_state.gil_runtime_state_locked") - memory.offset(
            "interpreter_state.gil_runtime_state"
        )
        self._seen: set[int] = set()
        self._gils: set[int] = set()
        self._listed = 0.0
        try:
            self._gils = memory.gils()
        except OSError:
            memory.close()
            raise
        if not self._gils:
            memory.close()
            raise LookupError("the interpreter has not started")
        self._seen |= self._gils

    def close(self) -> None:
        """See ``Gils``."""
        self._memory.close()

    def holders(self) -> list[int]:
        """See ``Gils``."""
        if time.monotonic() - self._listed > _REFRESH:
            with contextlib.suppress(OSError):  # an interpreter has just ended
                self._gils = self._memory.gils()
            self._seen |= self._gils
            self._listed = time.monotonic()
        holders = []
        for gil in self._gils:
            try:
                holders.append(self._memory.holder(gil))
            except OSError:
                if len(self._gils) == 1:  # the process has ended, not one interpreter of several
                    raise
        return [holder for holder in holders if holder]

    def snapshot(self) -> GilSnapshot:
        """See ``Gils``."""
        holders = self.holders()  # also lists the GILs anew
        contents = [self._memory.read(gil + self._start, _END) for gil in self._gils]
        waiting = [self._conditions.waiting(content, _CONDITION) for content in contents]
        return GilSnapshot(
            holders,
            switches=sum(int.from_bytes(content[_SWITCHES:_CONDITION], "little") for content in contents),
            waiting=None if None in waiting else sum(count or 0 for count in waiting),
        )

    def is_ours(self, word: int) -> bool:
        """See ``Gils``."""
        return any(gil + self._start + _CONDITION <= word < gil + self._start + _END for gil in self._seen)

    def is_mutex(self, word: int) -> bool:
        """See ``Gils``."""
        return any(word - gil - self._start - _CONDITION in MUTEXES for gil in self._gils)

    def thread_of(self, state: int) -> int | None:
        """See ``Gils``."""
        with contextlib.suppress(OSError):
            return self._memory.thread_of(state)
        return None
