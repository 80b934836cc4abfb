"""What an interpreter's file tells is what the interpreter says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from interpreters_fixture import interpreter

from gilbench.interpreters.told import read_told


@pytest.mark.parametrize("spec", ["2.7", "3.6", "3.9", "3.11", "3.13", "3.13t"])
def test_a_file_tells_version_and_free_threading(spec: str) -> None:
    known = interpreter(spec)
    told = read_told(Path(known.library or known.binary), known.build.version_info[:2])
    assert told is not None
    assert told.version == known.build.version
    assert told.free_threaded == known.build.free_threaded


@pytest.mark.parametrize("path", ["/bin/sh", "/bin/sleep"])
def test_another_program_holds_no_cpython(path: str) -> None:
    assert read_told(Path(path)) is None
