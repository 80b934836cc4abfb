"""What a running CPython 3.13 or later holds in its memory: its GILs, its threads, and the functions that they run.

Everything is read from outside, by the offsets that the interpreter publishes for debuggers (``layout.py``), with the
rights that py-spy needs. The process is not stopped, so what changes while it is read can be torn: a reading is
checked, and given up if it makes no sense.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple, Self

from gilbench.interpreters.image import Image
from gilbench.interpreters.layout import OF_C, published_offsets
from gilbench.observe.gil.memory import base_of, thread_number, threads_of

_OF_INTERPRETER = "interpreter_state"
_PERMANENT = (1 << 31) - 1  # INT_MAX: an import has enabled the GIL, or an option; less than that passes
_MOST_INTERPRETERS, _MOST_THREADS, _MOST_FRAMES = 100, 10_000, 1_000
_LONGEST = 300  # letters of a name
_STATE = {
    13: ("status", 8),
    14: ("status", 12),
}  # the field of thread states before ``state``, by minor version
_SUSPENDED = 2  # _Py_THREAD_SUSPENDED
_TAGS = ~3  # the lowest bits of a reference on the stack tell how it is counted


class Function(NamedTuple):
    """A function of Python's."""

    name: str  # qualified
    file: str
    first: int  # address of the object in its first local variable


class InterpreterMemory:
    """Reads the interpreter of one process.

    Args:
        pid: The process.
        image: The file that holds its interpreter.
        name: The file as the process names it.

    Raises:
        LookupError: The interpreter publishes no offsets that are known, or has not been loaded.
        OSError: The memory cannot be read.
    """

    def __init__(self, pid: int, image: Image, name: str) -> None:
        place, offsets = image.runtime(), published_offsets(image)
        if place is None or offsets is None:
            raise LookupError(f"{name} publishes no offsets that are known")
        self._pid, self._offsets = pid, offsets
        self._codes: dict[int, tuple[str, str] | None] = {}
        self._memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._runtime = place.address + (base_of(pid, name) if image.relocated else 0)
        except (LookupError, OSError):
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the memory of the process."""
        os.close(self._memory)

    def gils(self) -> set[int]:
        """Return the addresses of the GILs: interpreters can share one."""
        return {
            gil
            for one in self._interpreters()
            if (gil := self.word(one + self._offsets[f"{_OF_INTERPRETER}.ceval_gil"]))
        }

    def gil_enabled(self) -> bool:
        """Return whether an interpreter of a free-threaded build has its GIL enabled for good."""
        return any(self._requests(gil) == _PERMANENT for gil in self.gils())

    def holder(self, gil: int) -> int:
        """Return the thread state that holds a GIL now; 0: none."""
        start = gil - self._offsets[f"{_OF_INTERPRETER}.gil_runtime_state"]
        if self._number(start + self._offsets[f"{_OF_INTERPRETER}.gil_runtime_state_locked"]) != 1:
            return 0
        if self._offsets["free_threaded"] and not self._requests(gil):
            return 0
        return self.word(start + self._offsets[f"{_OF_INTERPRETER}.gil_runtime_state_holder"])

    def holders(self) -> set[int]:
        """Return the threads that hold a GIL now, as the kernel numbers them."""
        states = {self.holder(gil) for gil in self.gils()}
        return {tid for tid, state in self.threads().items() if state in states}

    def thread_of(self, state: int) -> int | None:
        """Return the thread of a thread state, as the kernel numbers it; None: it has none."""
        return thread_number(self._pid, self._number(state + self._offsets["thread_state.native_thread_id"]))

    def threads(self) -> dict[int, int]:
        """Return the addresses of the thread states, by the threads as the kernel numbers them."""
        numbers = threads_of(self._pid)
        states = (state for one in self._interpreters() for state in self._states(one))
        native = {
            self._number(state + self._offsets["thread_state.native_thread_id"]): state for state in states
        }
        return {numbers[number]: state for number, state in native.items() if number in numbers}

    def suspended(self) -> bool:
        """Return whether a stop-the-world pause of a free-threaded build holds a thread now.

        Raises:
            OSError: The process has ended.
        """
        field, further = _STATE.get(self._offsets["version"] >> 16 & 0xFF, ("gil_requested", 8))
        offset = self._offsets[f"thread_state.{field}"] + further
        return any(
            self._number(state + offset) == _SUSPENDED
            for one in self._interpreters()
            for state in self._states(one)
        )

    def functions(self, state: int) -> Iterator[Function]:
        """Yield the functions of a thread, innermost first, as far as they can be read."""
        frame = self.word(state + self._offsets["thread_state.current_frame"])
        for _ in range(_MOST_FRAMES):
            if not frame:
                return
            if self.read(frame + self._offsets["interpreter_frame.owner"], 1)[0] < OF_C:
                code = self.word(frame + self._offsets["interpreter_frame.executable"]) & _TAGS
                if code not in self._codes:
                    self._codes[code] = self._code(code)
                if (known := self._codes[code]) is not None:
                    yield Function(
                        *known, self.word(frame + self._offsets["interpreter_frame.localsplus"]) & _TAGS
                    )
            frame = self.word(frame + self._offsets["interpreter_frame.previous"])

    def offset(self, field: str) -> int:
        """Return an offset that the interpreter publishes, by its section and name in ``layout.py``."""
        return self._offsets[field]

    def text(self, string: int) -> str | None:
        """Return a string of ASCII letters; None for another one, or what is none."""
        length = self.word(string + self._offsets["unicode_object.length"])
        if length > _LONGEST:
            return None
        content = self.read(string + self._offsets["unicode_object.asciiobject_size"], length)
        text = content.decode("ascii", "replace")
        return text if text.isascii() and text.isprintable() else None

    def word(self, address: int) -> int:
        """Return a pointer, or another word of 8 bytes."""
        return int.from_bytes(self.read(address, 8), "little")

    def read(self, address: int, size: int) -> bytes:
        """Return the bytes at an address.

        Raises:
            OSError: There is nothing.
        """
        with contextlib.suppress(OverflowError):
            content = os.pread(self._memory, size, address)
            if len(content) == size:
                return content
        raise OSError(f"nothing at {address:#x} in process {self._pid}")

    def _requests(self, gil: int) -> int:
        """Return how often a GIL of a free-threaded build has been asked for; ``_PERMANENT``: it is there for good."""
        return self._number(gil + self._offsets[f"{_OF_INTERPRETER}.gil_runtime_state_enabled"])

    def _interpreters(self) -> Iterator[int]:
        first = self._runtime + self._offsets["runtime_state.interpreters_head"]
        return self._chain(first, self._offsets["interpreter_state.next"], _MOST_INTERPRETERS)

    def _states(self, interpreter: int) -> Iterator[int]:
        return self._chain(
            interpreter + self._offsets["interpreter_state.threads_head"],
            self._offsets["thread_state.next"],
            _MOST_THREADS,
        )

    def _chain(self, first: int, following: int, most: int) -> Iterator[int]:
        """Yield the members of a linked list, from the address of its head on."""
        at = self.word(first)
        for _ in range(most):
            if not at:
                return
            yield at
            at = self.word(at + following)

    def _code(self, code: int) -> tuple[str, str] | None:
        """Return the qualified name and the file of a code object."""
        name = self.text(self.word(code + self._offsets["code_object.qualname"]))
        file = self.text(self.word(code + self._offsets["code_object.filename"]))
        return (name, file) if name and file else None

    def _number(self, address: int) -> int:
        return struct.unpack("<i", self.read(address, 4))[0]  # type: ignore[no-any-return]
