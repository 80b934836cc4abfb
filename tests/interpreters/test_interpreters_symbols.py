from __future__ import annotations

import struct
from pathlib import Path

import pytest

from gilbench.interpreters.symbols import read_symbols

FUNCTION, OBJECT = 2, 1
SYMTAB, DYNSYM, STRTAB = 2, 11, 3


def elf(tables: dict[int, list[tuple[str, int, int]]], *, order: str = "<", shared_tail: str = "") -> bytes:
    """A 64-bit ELF file; each table holds symbols as (name, type, section index)."""
    body = bytearray(64)
    sections = [(0, 0, 0, 0)]
    for kind, symbols in tables.items():
        strings = bytearray(b"\0" + shared_tail.encode() + b"\0")
        content = bytearray(24)
        for name, what, section in symbols:
            at = strings.find(name.encode() + b"\0")
            if at < 0:
                at = len(strings)
                strings += name.encode() + b"\0"
            content += struct.pack(order + "IBBHQQ", at, what, 0, section, 0x1000, 8)
        sections.append((kind, len(body), len(content), len(sections) + 1))
        body += content
        sections.append((STRTAB, len(body), len(strings), 0))
        body += strings
    start = len(body)
    for kind, offset, size, link in sections:
        body += struct.pack(order + "IIQQQQIIQQ", 0, kind, 0, 0, offset, size, link, 0, 0, 0)
    body[:6] = b"\x7fELF\x02" + (b"\x01" if order == "<" else b"\x02")
    struct.pack_into(order + "Q", body, 0x28, start)
    struct.pack_into(order + "HH", body, 0x3A, 64, len(sections))
    return bytes(body)


def write(folder: Path, content: bytes) -> Path:
    path = folder / "python"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("order", ["<", ">"])
def test_functions_of_the_probes_are_found_in_both_byte_orders(tmp_path: Path, order: str) -> None:
    symbols = [("take_gil", FUNCTION, 12), ("drop_gil", FUNCTION, 12), ("main", FUNCTION, 12)]
    found = read_symbols(write(tmp_path, elf({SYMTAB: symbols}, order=order)))
    assert found.names == ("drop_gil", "take_gil")
    assert found.stripped is False


def test_exported_functions_are_found_in_a_stripped_file(tmp_path: Path) -> None:
    found = read_symbols(write(tmp_path, elf({DYNSYM: [("PyThread_acquire_lock", FUNCTION, 12)]})))
    assert found.names == ("PyThread_acquire_lock",)
    assert found.stripped is True


def test_a_specialised_copy_of_a_function_keeps_the_name_that_a_probe_needs(tmp_path: Path) -> None:
    found = read_symbols(write(tmp_path, elf({SYMTAB: [("take_gil.constprop.0", FUNCTION, 12)]})))
    assert found.names == ("take_gil.constprop.0",)


def test_a_name_may_start_in_the_tail_of_a_longer_one(tmp_path: Path) -> None:
    content = elf({SYMTAB: [("take_gil", FUNCTION, 12)]}, shared_tail="please_take_gil")
    assert read_symbols(write(tmp_path, content)).names == ("take_gil",)


def test_what_is_only_called_alike_or_defined_elsewhere_is_not_found(tmp_path: Path) -> None:
    symbols = [("take_gil", FUNCTION, 0), ("drop_gil", OBJECT, 12), ("my_take_gil", FUNCTION, 12)]
    assert read_symbols(write(tmp_path, elf({SYMTAB: [*symbols, ("take_gilded", FUNCTION, 12)]}))).names == ()


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"#!/bin/sh\n", b"\x7fELF\x01\x01" + b"\0" * 100])
def test_of_what_is_no_64_bit_elf_file_nothing_is_known(tmp_path: Path, content: bytes) -> None:
    found = read_symbols(write(tmp_path, content))
    assert found == ((), None)


def test_a_file_cut_anywhere_is_never_a_crash(tmp_path: Path) -> None:
    whole = elf({SYMTAB: [("take_gil", FUNCTION, 12)], DYNSYM: [("PyMutex_Lock", FUNCTION, 12)]})
    for length in range(len(whole)):
        found = read_symbols(write(tmp_path, whole[:length]))
        assert set(found.names) <= {"take_gil", "PyMutex_Lock"}


def test_a_file_with_any_damaged_byte_is_never_a_crash(tmp_path: Path) -> None:
    whole = elf({SYMTAB: [("take_gil", FUNCTION, 12)]})
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        assert set(read_symbols(write(tmp_path, bytes(damaged))).names) <= {"take_gil"}


def test_a_missing_file_and_a_folder_hold_nothing(tmp_path: Path) -> None:
    assert read_symbols(tmp_path / "absent") == ((), None)
    assert read_symbols(tmp_path) == ((), None)
