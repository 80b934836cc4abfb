"""Names of machine code by address, on this very process."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from gilbench.interpreters.image import read_image
from gilbench.observe.gil.native import NativeNames


def address_of(function: str) -> int:
    pointer = ctypes.cast(getattr(ctypes.pythonapi, function), ctypes.c_void_p).value
    assert pointer is not None
    return pointer


def named(counts: dict[int, int]) -> dict[str, float]:
    names = NativeNames(os.getpid())
    names.learn()
    return {
        share.name: share.value for share in names.shares({str(at): count for at, count in counts.items()})
    }


def test_samples_are_summed_by_function() -> None:
    start = address_of("PyObject_Repr")
    shares = named({start: 30, start + 1: 30, address_of("PyList_New"): 40})
    assert [(name.split()[0], value) for name, value in shares.items()] == [
        ("PyObject_Repr", 0.6),
        ("PyList_New", 0.4),
    ]


def test_code_without_a_file_and_the_kernels_are_told_apart() -> None:
    shares = named({0x10: 50, -0x1000: 150})
    assert shares == {"the kernel": 0.75, "code generated at run time": 0.25}


def test_few_samples_tell_no_shares() -> None:
    assert named({address_of("PyList_New"): 10}) == {}


def test_what_has_ended_keeps_its_names_and_a_new_program_has_none() -> None:
    names = NativeNames(os.getpid())
    names.learn()
    names.forget()
    assert names.shares({str(address_of("PyList_New")): 100}) == ()


def test_what_is_not_loaded_from_a_file_has_no_address() -> None:
    assert read_image(Path(sys.executable).resolve()).address_of(1 << 60) is None
