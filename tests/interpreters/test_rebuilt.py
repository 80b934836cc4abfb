from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from interpreters_fakes import make_interpreter

from gilbench.interpreters.rebuilt import is_rebuilt
from gilbench.model.study import Interpreter


def built(path: Path, code: bytes = b"old", *, library: Path | None = None, **facts: Any) -> Interpreter:
    path.write_bytes(code)
    one = make_interpreter(executable=str(path), **facts)
    return msgspec.structs.replace(one, library=str(library) if library else None)


def test_a_file_is_no_other_build_than_itself_and_its_copy(tmp_path: Path) -> None:
    one = built(tmp_path / "one")
    assert not is_rebuilt(one, one)
    assert not is_rebuilt(one, built(tmp_path / "copy"))


def test_other_code_of_the_same_kind_is_rebuilt(tmp_path: Path) -> None:
    one = built(tmp_path / "one")
    assert is_rebuilt(one, built(tmp_path / "two", b"new"))
    assert is_rebuilt(one, built(tmp_path / "three", b"new", version="3.13.6", optimisation="-O2"))


def test_the_code_may_be_in_the_library(tmp_path: Path) -> None:
    old, new = tmp_path / "old.so", tmp_path / "new.so"
    old.write_bytes(b"old")
    new.write_bytes(b"new")
    one = built(tmp_path / "one", library=old)
    assert not is_rebuilt(one, built(tmp_path / "two", library=old))
    assert is_rebuilt(one, built(tmp_path / "three", library=new))
    assert is_rebuilt(one, built(tmp_path / "four"))


@pytest.mark.parametrize(
    "facts", [{"version": "3.12.1"}, {"free_threaded": True}, {"implementation": "PyPy"}, {"debug": True}]
)
def test_another_kind_is_not_rebuilt(tmp_path: Path, facts: dict[str, Any]) -> None:
    assert not is_rebuilt(built(tmp_path / "one"), built(tmp_path / "two", b"new", **facts))


def test_a_file_that_cannot_be_read_is_another(tmp_path: Path) -> None:
    one, gone = built(tmp_path / "one"), built(tmp_path / "gone")
    (tmp_path / "gone").unlink()
    assert is_rebuilt(one, gone)
