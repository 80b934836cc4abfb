"""The GILs of one process in its memory: who holds them, and which futexes are theirs.

CPython 3.13 and later publish where they keep them, one for each interpreter that does not share its GIL. The GIL of
3.7 to 3.12 is found by its content (``searched.py``).
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections.abc import Iterator
from typing import Protocol

from gilbench.interpreters.image import Image
from gilbench.interpreters.layout import Offsets, published_offsets
from gilbench.observe.gil.memory import base_of, thread_number
from gilbench.observe.gil.searched import SearchedGil

FIRST, LAST = (3, 7), (3, 12)  # versions whose GIL is searched
_HOLDER = struct.Struct("<Qi")  # the last holder, and whether the GIL is locked
_WORD = struct.Struct("<Q")
# ``struct _gil_runtime_state`` after ``locked``: the number of switches, two condition variables and two mutexes of
# glibc on x86-64.
_CONDITION, _END = 16, 192
_MOST = 1000  # interpreters of a process; a list that is being changed may seem endless
_REFRESH = 0.1  # s after which the interpreters are listed anew


class Gils(Protocol):
    """Reads the GILs of one process, whose memory we may read."""

    def holders(self) -> list[int]:
        """Return the addresses of the thread states that hold a GIL.

        Raises:
            OSError: The process has ended.
        """

    def is_ours(self, word: int) -> bool:
        """Whether a futex belongs to a GIL of the process, present or past."""

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
    runtime = image.runtime()
    if runtime is None:
        raise LookupError(f"{name} has no _PyRuntime")
    runtime = runtime._replace(address=runtime.address + (base_of(pid, name) if image.relocated else 0))
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        offsets = published_offsets(image)
        if offsets is not None:
            return PublishedGils(pid, memory, runtime.address, offsets)
        return SearchedGil(pid, memory, runtime)
    except (OSError, LookupError):
        os.close(memory)
        raise


class PublishedGils:
    """The GILs of CPython 3.13 and later.

    Args:
        pid: The process.
        memory: Its memory, as a file to close.
        runtime: Address of ``_PyRuntime``.
        offsets: As its interpreter publishes them.

    Raises:
        LookupError: There is no GIL yet.
        OSError: The memory cannot be read.
    """

    def __init__(self, pid: int, memory: int, runtime: int, offsets: Offsets) -> None:
        self._pid, self._memory = pid, memory
        self._head = runtime + offsets["runtime_state.interpreters_head"]
        self._next = offsets["interpreter_state.next"]
        self._gil_of = offsets["interpreter_state.ceval_gil"]
        own = offsets["interpreter_state.gil_runtime_state"]
        self._holder = offsets["interpreter_state.gil_runtime_state_holder"] - own
        self._enabled = offsets["interpreter_state.gil_runtime_state_enabled"]
        self._free_threaded = bool(offsets["free_threaded"])
        self._native = offsets["thread_state.native_thread_id"]
        self._seen: set[int] = set()
        self._gils: tuple[int, ...] = ()
        self._listed = 0.0
        self.holders()
        if not self._gils:
            raise LookupError("the interpreter has not started")

    def close(self) -> None:
        """See ``Gils``."""
        os.close(self._memory)

    def holders(self) -> list[int]:
        """See ``Gils``."""
        if time.monotonic() - self._listed > _REFRESH:
            self._gils = tuple(set(self._interpreters_gils()))
            self._seen.update(self._gils)
            self._listed = time.monotonic()
        found = []
        for gil in self._gils:
            holder, locked = _HOLDER.unpack(self._read(gil + self._holder, _HOLDER.size))
            if locked == 1 and holder and self.enabled(gil):
                found.append(holder)
        return found

    def enabled(self, gil: int) -> bool:
        """Whether a GIL is in force, which it is not in a free-threaded build that has not enabled it."""
        return not self._free_threaded or any(self._read(gil + self._enabled, 4))

    def is_ours(self, word: int) -> bool:
        """See ``Gils``."""
        start = self._holder + 8  # of ``locked``
        return any(gil + start + _CONDITION <= word < gil + start + _END for gil in self._seen)

    def thread_of(self, state: int) -> int | None:
        """See ``Gils``."""
        with contextlib.suppress(OSError):
            return thread_number(self._pid, self._word(state + self._native))
        return None

    def _interpreters_gils(self) -> Iterator[int]:
        interpreter = self._word(self._head)
        for _ in range(_MOST):
            if not interpreter:
                return
            try:
                gil, interpreter = (
                    self._word(interpreter + self._gil_of),
                    self._word(interpreter + self._next),
                )
            except OSError:  # it has just ended
                return
            if gil:
                yield gil

    def _word(self, address: int) -> int:
        return int(_WORD.unpack(self._read(address, _WORD.size))[0])

    def _read(self, address: int, size: int) -> bytes:
        content = os.pread(self._memory, size, address)
        if len(content) < size:
            raise OSError(f"process {self._pid} has ended")
        return content
