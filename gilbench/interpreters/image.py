"""Reads the symbol tables of an executable or library: the addresses of its functions and data.

Addresses are those in the file. For a position-independent file, they are relative to the address at which a process
maps it. The layouts are those of elf(5), 64-bit little-endian only.
"""

from __future__ import annotations

import bisect
import functools
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_HEADER = struct.Struct("<16xHHIQQQIHHHHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_MUSL = (b"/ld-musl-", b"libc.musl-")  # its loader, and its name as a dependency
_SHARED = 3  # e_type of a position-independent file
_LOAD = 1  # p_type
_TABLES = frozenset({2, 11})  # sh_type: all symbols, or exported symbols only
_FUNCTIONS = frozenset({2, 10})  # low nibble of st_info: a function, or an indirect function
_RUNTIME = (
    b".PyRuntime\0"  # name of the section that holds _PyRuntime since 3.13, also where no symbol names it
)


class Place(NamedTuple):
    """The place of a symbol."""

    address: int
    size: int


class Image:
    """The symbols of one file.

    Args:
        path: The file.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not a valid 64-bit ELF file.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
            if image[:6] != b"\x7fELF\x02\x01":
                raise ValueError(f"{path} is not a 64-bit ELF file")
            try:
                self._read(image)
            except struct.error as error:
                raise ValueError(f"{path} is truncated") from error
        self._path = path

    def _read(self, image: mmap.mmap) -> None:
        self.musl = any(image.find(name) >= 0 for name in _MUSL)  # uses this C library instead of glibc
        kind, _, _, _, segments, sections, _, _, step, count, width, number, titles = _HEADER.unpack_from(
            image, 0
        )
        self.relocated = kind == _SHARED
        headers = [_PROGRAM.unpack_from(image, segments + index * step) for index in range(count)]
        self._loaded = [(at, offset, size) for what, _, offset, at, _, size, _, _ in headers if what == _LOAD]
        tables = [_SECTION.unpack_from(image, sections + index * width) for index in range(number)]
        names = tables[titles][4] if titles < len(tables) else 0
        self._runtime = next(
            (
                Place(at, size)
                for name, _, _, at, _, size, _, _, _, _ in tables
                if image[names + name : names + name + len(_RUNTIME)] == _RUNTIME
            ),
            None,
        )
        self._places: dict[str, Place] = {}
        functions: dict[int, str] = {}
        for _, what, _, _, offset, size, link, _, _, _ in tables:
            if what in _TABLES and link < len(tables):
                strings = image[tables[link][4] : tables[link][4] + tables[link][5]]
                for name, place, function in _symbols(image[offset : offset + size], strings):
                    self._places.setdefault(name, place)
                    if function:
                        functions.setdefault(place.address, name)
        self._addresses = sorted(functions)
        self._names = [functions[address] for address in self._addresses]

    def symbol(self, name: str) -> str | None:
        """Return a symbol's name in the file; a compiler may append to it (``take_gil.constprop.0``)."""
        if name in self._places:
            return name
        copies = (copy for copy in self._places if copy.startswith(f"{name}."))
        return next((copy for copy in copies if not copy.endswith(".cold")), None)

    def place(self, name: str) -> Place | None:
        """Return the place of a symbol, even if the compiler appended to its name; None: there is none."""
        found = self.symbol(name)
        return self._places[found] if found is not None else None

    def runtime(self) -> Place | None:
        """Return the place of ``_PyRuntime``, by its symbol or by its section; None: there is none."""
        return self.place("_PyRuntime") or self._runtime

    def function_at(self, address: int) -> str | None:
        """Return the function at an address, without what the compiler appended to its name."""
        found = self.symbol_at(address)
        return found.partition(".")[0] if found is not None else None

    def symbol_at(self, address: int) -> str | None:
        """Return the function at an address, by its name in the file."""
        index = bisect.bisect_right(self._addresses, address) - 1
        if index < 0:
            return None
        name, place = self._names[index], self._places[self._names[index]]
        inside = address < self._addresses[index] + max(place.size, 1)
        return name if inside or not place.size else None

    def address_of(self, offset: int) -> int | None:
        """Return the address of a byte of the file; None: it is not loaded."""
        return next(
            (at + offset - start for at, start, size in self._loaded if start <= offset < start + size), None
        )

    def data(self, address: int, size: int) -> bytes | None:
        """Return the initialized data at an address in the file; None: there is none."""
        for start, offset, length in self._loaded:
            if start <= address and address + size <= start + length:
                with self._path.open("rb") as file:
                    file.seek(offset + address - start)
                    return file.read(size)
        return None


@functools.cache
def read_image(path: Path) -> Image:
    """Read a file, and cache the result. Raises the errors of ``Image``."""
    return Image(path)


def _symbols(table: bytes, strings: bytes) -> Iterator[tuple[str, Place, bool]]:
    whole = len(table) - len(table) % _SYMBOL.size
    for at, info, _, section, address, size in _SYMBOL.iter_unpack(table[:whole]):
        end = strings.find(b"\0", at)
        if section and at and end > at:
            yield strings[at:end].decode("utf-8", "replace"), Place(address, size), info & 0xF in _FUNCTIONS
