"""Files with one JSON document are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from full_disk import room_for

from gilbench.model.errors import StudyError
from gilbench.store.artefact import write_document


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    write_document(path, {"name": "short"})
    before = path.read_bytes()
    with room_for(100), pytest.raises(StudyError, match="cannot write"):
        write_document(path, {"name": "long" * 100})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def test_a_place_that_cannot_be_written_is_named_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "absent" / "document.json"
    with pytest.raises(StudyError, match="No such file") as raised:
        write_document(path, {})
    assert str(path) in str(raised.value)
