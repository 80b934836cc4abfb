"""Lines of source code for frames: of which files, and of which not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gilbench.observe.own_sampler import _places as places_of_own
from gilbench.observe.sources import SourceFiles, SourcePlace


def lines(**places: SourcePlace) -> dict[str, str]:
    return {line.frame: line.text for line in SourceFiles(os.getpid()).lines(places)}


def test_the_line_of_a_frame_is_told_without_its_indentation(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text(f"def f():\n    return work()\n\n{'x' * 1000}\n")
    file.chmod(0o644)
    found = lines(
        f=SourcePlace(str(file), 2),
        blank=SourcePlace(str(file), 3),
        long=SourcePlace(str(file), 4),
        past=SourcePlace(str(file), 9),
    )
    assert found == {"f": "return work()", "long": "x" * 200}


def test_other_files_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("notes.txt", "app.py"):
        (tmp_path / name).write_text("secret\n")
    os.mkfifo(tmp_path / "pipe.py")  # to open it for reading would wait for a writer
    (tmp_path / "folder.py").mkdir()
    found = lines(
        text=SourcePlace(str(tmp_path / "notes.txt"), 1),
        relative=SourcePlace("app.py", 1),
        pipe=SourcePlace(str(tmp_path / "pipe.py"), 1),
        folder=SourcePlace(str(tmp_path / "folder.py"), 1),
        none=SourcePlace(str(tmp_path / "none.py"), 1),
        odd=SourcePlace("/\0.py", 1),
    )
    assert found == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root could read more than the profiled program's user")
def test_root_reads_no_file_that_others_may_not(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text("secret\n")
    file.chmod(0o600)
    assert lines(f=SourcePlace(str(file), 1)) == {}


def test_of_a_process_that_is_gone_nothing_is_read(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text("code\n")
    file.chmod(0o644)
    assert SourceFiles(2**22 + 1).lines({"f": SourcePlace(str(file), 1)}) == ()


def test_places_of_collapsed_stacks_are_told() -> None:
    text = "tid:77;/srv/app.py:<module>:12;/srv/app.py:fill:5 41\ntid:78;~:0;<native>;/srv/app.py:f:3 2\n"
    assert dict(places_of_own(text)) == {
        "<module> (/srv/app.py:12)": SourcePlace("/srv/app.py", 12),
        "fill (/srv/app.py:5)": SourcePlace("/srv/app.py", 5),
        "f (/srv/app.py:3)": SourcePlace("/srv/app.py", 3),
    }
