from __future__ import annotations

from pathlib import Path

import pytest
from test_interpreters_symbols import DYNSYM, FUNCTION, OBJECT, SYMTAB, elf, write

from gilbench.interpreters.image import Image
from gilbench.interpreters.layout import published_offsets


def test_a_function_is_found_by_any_address_in_it_and_none_beyond_it(tmp_path: Path) -> None:
    image = Image(write(tmp_path, elf({SYMTAB: [("stop_the_world", FUNCTION, 12)]})))
    assert image.place("stop_the_world") == (0x1000, 8)
    assert [image.function_at(address) for address in (0xFFF, 0x1000, 0x1007, 0x1008)] == [
        None,
        "stop_the_world",
        "stop_the_world",
        None,
    ]


def test_a_copy_that_a_compiler_made_is_found_by_the_name_in_the_source(tmp_path: Path) -> None:
    image = Image(write(tmp_path, elf({SYMTAB: [("take_gil.constprop.0", FUNCTION, 12)]})))
    assert image.place("take_gil") is not None
    assert image.function_at(0x1004) == "take_gil"


def test_data_that_is_exported_has_a_place_and_is_no_function(tmp_path: Path) -> None:
    image = Image(write(tmp_path, elf({DYNSYM: [("_PyRuntime", OBJECT, 12)]})))
    assert image.place("_PyRuntime") is not None
    assert image.function_at(0x1000) is None
    assert published_offsets(image) is None


@pytest.mark.parametrize(
    "content", [b"", b"#!/bin/sh\n", b"\x7fELF\x02\x01", b"\x7fELF\x01\x01" + b"\0" * 90]
)
def test_what_is_no_sound_file_says_so(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match=r"empty|ELF|truncated"):
        Image(write(tmp_path, content))
