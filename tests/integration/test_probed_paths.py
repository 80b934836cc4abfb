"""Interpreters in folders whose names could be mistaken for a part of a probe's script."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from commands import gilbench
from interpreters_fixture import absent, interpreter

from gilbench.observe.bpftrace_access import why_not

PROGRAM = "import threading\nfor _ in range(2): threading.Thread(target=lambda: sum(range(10**7))).start()"


@pytest.fixture(autouse=True)
def exact() -> None:
    reason = why_not()
    if reason is not None:
        absent(reason)


def copied(spec: str, folder: Path) -> str:
    """An interpreter that lies in another folder."""
    source = Path(interpreter(spec).executable).resolve()
    target = folder / "bin" / source.name
    target.parent.mkdir(parents=True)
    shutil.copy2(source, target)
    (folder / "lib").symlink_to(source.parent.parent / "lib")
    return str(target)


@pytest.mark.parametrize("spec", ["3.13", "3.13t"])
@pytest.mark.parametrize("name", ["ON", "SUM", "${take} <binary>", "$1 'x' {é}, //"])
def test_a_folder_may_be_called_anything(name: str, spec: str, tmp_path: Path) -> None:
    python, path = copied(spec, tmp_path / name), tmp_path / "profile.json"
    done = gilbench("profile", "--observe", "gil,syscalls", "-o", str(path), "--", python, "-c", PROGRAM)
    assert done.returncode == 0, done.stderr
    profile = json.loads(path.read_text())
    assert profile["probe"]["strength"] == "exact", profile["probe"]
    assert len(profile["threads"]) == 3
    assert profile["syscalls"]


@pytest.mark.parametrize("letter", [":", "*", "[", '"', "\\", "\n"])
def test_a_path_that_cannot_be_probed_is_named(letter: str, tmp_path: Path) -> None:
    python, path = copied("3.13", tmp_path / f"a{letter}b"), tmp_path / "profile.json"
    done = gilbench("profile", "--observe", "gil", "-o", str(path), "--", python, "-c", PROGRAM)
    assert done.returncode == 0, done.stderr
    probe = json.loads(path.read_text())["probe"]
    assert probe["strength"] in {"futex", "sampled"}
    assert f"bpftrace cannot probe {python!r}, which contains {letter!r}" in probe["reason"]
