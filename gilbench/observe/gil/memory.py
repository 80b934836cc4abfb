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
from gilbench.observe.gil.layout import OF_C, published_offsets
from gilbench.observe.gil.words import base_of, threads_of

_PERMANENT = (1 << 31) - 1  # INT_MAX: an import has enabled the GIL, or an option; less than that passes
_MOST_INTERPRETERS, _MOST_THREADS, _MOST_FRAMES = 100, 10_000, 1_000
_LONGEST = 300  # letters of a name
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
        place, layout = image.place("_PyRuntime"), published_offsets(image)
        if place is None or layout is None:
            raise LookupError(f"{name} publishes no offsets that are known")
        self._pid, self._layout = pid, layout
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

    def gil_enabled(self) -> bool:
        """Return whether an interpreter of a free-threaded build has its GIL enabled for good."""
        at = self._layout["gil_enabled"]
        return any(self._number(gil + at) == _PERMANENT for gil in self._gils())

    def holders(self) -> set[int]:
        """Return the threads that hold a GIL now, as the kernel numbers them."""
        start = self._layout["own_gil"]
        locked, holder = self._layout["gil_locked"] - start, self._layout["gil_holder"] - start
        states = {self.word(gil + holder) for gil in self._gils() if self._number(gil + locked) == 1}
        return {tid for tid, state in self.threads().items() if state in states}

    def threads(self) -> dict[int, int]:
        """Return the addresses of the thread states, by the threads as the kernel numbers them."""
        numbers = threads_of(self._pid)
        states = (state for one in self._interpreters() for state in self._states(one))
        native = {self._number(state + self._layout["native_thread_id"]): state for state in states}
        return {numbers[number]: state for number, state in native.items() if number in numbers}

    def functions(self, state: int) -> Iterator[Function]:
        """Yield the functions of a thread, innermost first, as far as they can be read."""
        frame = self.word(state + self._layout["current_frame"])
        for _ in range(_MOST_FRAMES):
            if not frame:
                return
            if self.read(frame + self._layout["owner"], 1)[0] < OF_C:
                code = self.word(frame + self._layout["executable"]) & _TAGS
                if code not in self._codes:
                    self._codes[code] = self._code(code)
                if (known := self._codes[code]) is not None:
                    yield Function(*known, self.word(frame + self._layout["locals"]) & _TAGS)
            frame = self.word(frame + self._layout["previous"])

    def offset(self, field: str) -> int:
        """Return an offset that the interpreter publishes, by its name in ``layout.py``."""
        return self._layout[field]

    def text(self, string: int) -> str | None:
        """Return a string of ASCII letters; None for another one, or what is none."""
        length = self.word(string + self._layout["length"])
        if length > _LONGEST:
            return None
        content = self.read(string + self._layout["text"], length)
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

    def _gils(self) -> set[int]:
        gils = {self.word(one + self._layout["gil"]) for one in self._interpreters()}
        return gils - {0}

    def _interpreters(self) -> Iterator[int]:
        first = self._runtime + self._layout["interpreters"]
        return self._chain(first, self._layout["next_interpreter"], _MOST_INTERPRETERS)

    def _states(self, interpreter: int) -> Iterator[int]:
        return self._chain(interpreter + self._layout["threads"], self._layout["next_thread"], _MOST_THREADS)

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
        name = self.text(self.word(code + self._layout["qualname"]))
        file = self.text(self.word(code + self._layout["filename"]))
        return (name, file) if name and file else None

    def _number(self, address: int) -> int:
        return struct.unpack("<i", self.read(address, 4))[0]  # type: ignore[no-any-return]
