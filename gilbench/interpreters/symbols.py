"""Finds the symbols that probes need in the ELF symbol tables of a binary.

Only 64-bit ELF is supported. The layout is that of elf(5).
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

WANTED = (
    "take_gil",
    "drop_gil",
    "PyThread_acquire_lock",
    "_PyParkingLot_Park",
    "PyMutex_Lock",
    "_PyMutex_LockTimed",
    "stop_the_world",
)
# A compiler that splits or specializes a function appends to its name: take_gil.constprop.0.
_SUFFIX = rb"(?:\.[a-z_]+\.\d+)*"
_SECTIONS, _ENTRY_SIZE, _ENTRIES = 0x28, 0x3A, 0x3C  # e_shoff, e_shentsize, e_shnum
_SYMTAB, _DYNSYM = 2, 11  # sh_type
_DATA, _NOTE = 1, 7
_DEBUG = Path("/usr/lib/debug")
_LONGEST_LINK = 256  # bytes of the section .gnu_debuglink: a name and a checksum
_FUNCTION = 2  # low nibble of st_info


class Symbols(NamedTuple):
    """The symbols found in one file."""

    names: tuple[str, ...]  # functions that can be probed, sorted, by their names in the file
    stripped: bool | None  # without a table of local symbols; None: unreadable


class _ElfSection(NamedTuple):
    kind: int
    offset: int
    size: int
    link: int


def read_symbols(path: Path, wanted: Iterable[str] = WANTED) -> Symbols:
    """Find functions in a file. A file that is not valid 64-bit ELF has none."""
    names = b"|".join(re.escape(name.encode()) for name in wanted)
    pattern = re.compile(rb"(?:%b)%b(?=\0)" % (names, _SUFFIX))
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
            return _read(image, pattern)
    except (OSError, ValueError, OverflowError, struct.error):
        return Symbols((), None)


def _read(image: mmap.mmap, pattern: re.Pattern[bytes]) -> Symbols:
    if image[:5] != b"\x7fELF\x02":
        return Symbols((), None)
    order = ">" if image[5:6] == b"\x02" else "<"
    sections = list(_sections(image, order))
    names = {
        name
        for table in sections
        if table.kind in {_SYMTAB, _DYNSYM} and table.link < len(sections)
        for name in _functions(image, order, table, sections[table.link], pattern)
    }
    return Symbols(tuple(sorted(names)), not any(section.kind == _SYMTAB for section in sections))


def _sections(image: mmap.mmap, order: str) -> Iterator[_ElfSection]:
    start = struct.unpack_from(order + "Q", image, _SECTIONS)[0]
    step, count = struct.unpack_from(order + "HH", image, _ENTRY_SIZE)
    for number in range(count):
        kind, _, _, offset, size, link = struct.unpack_from(
            order + "IQQQQI", image, start + number * step + 4
        )
        yield _ElfSection(kind, offset, size, link)


def _functions(
    image: mmap.mmap, order: str, table: _ElfSection, strings: _ElfSection, pattern: re.Pattern[bytes]
) -> Iterator[str]:
    text = image[strings.offset : strings.offset + strings.size]
    # Not only whole strings: a linker shares the tail of a longer name.
    wanted = {found.start(): found.group().decode() for found in pattern.finditer(text)}
    symbol = struct.Struct(order + "IBBHQQ")
    content = image[table.offset : table.offset + table.size]
    whole = len(content) - len(content) % symbol.size
    for name, info, _, section, _, _ in symbol.iter_unpack(content[:whole]):
        if name in wanted and section != 0 and info & 0xF == _FUNCTION:
            yield wanted[name]


def debug_file(path: Path) -> Path | None:
    """Return the file with the stripped symbols of ``path``, found as gdb finds it; None: there is none."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
            if image[:5] != b"\x7fELF\x02":
                return None
            order = ">" if image[5:6] == b"\x02" else "<"
            sections = list(_sections(image, order))
            links = [
                image[one.offset : one.offset + one.size] for one in sections if one.kind in {_NOTE, _DATA}
            ]
    except (OSError, ValueError, OverflowError, struct.error):
        return None
    real = path.resolve()
    for content in links:
        found = []
        if content[12:16] == b"GNU\0" and content[8:9] == b"\3":  # a note with the build ID
            number = content[16:].hex()
            found = [_DEBUG / ".build-id" / number[:2] / f"{number[2:]}.debug"]
        elif (name := content.partition(b"\0")[0]).endswith(b".debug") and len(content) <= _LONGEST_LINK:
            link = name.decode("utf-8", "replace")
            found = [real.parent / link, real.parent / ".debug" / link, _DEBUG / str(real.parent)[1:] / link]
        for place in found:
            if place.is_file():
                return place
    return None
