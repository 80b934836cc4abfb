from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import GILBENCH, SHORT, SYSTEM_PYTHON, error_lines, gilbench, without_root
from interpreters_fixture import absent, interpreter

from gilbench.store.study import read_study

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for a header and some runs."""
    if os.geteuid() != 0:
        absent("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        absent("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up_ends_the_session_and_keeps_what_was_finished(small_disk: Path) -> None:
    path = small_disk / "study.jsonl"
    done = gilbench("run", "--python", interpreter("3.11").executable, *SHORT, "-o", str(path))
    assert done.returncode == 2
    assert "No space left" in error_lines(done)[0]
    study = read_study(path)
    assert study.runs
    assert not study.warnings


def test_an_interpreter_that_hangs_or_lies_is_refused_in_a_line(tmp_path: Path) -> None:
    for name, text in {"hangs": "exec sleep 60", "lies": "echo rubbish", "crashes": "kill -SEGV $$"}.items():
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        done = gilbench("run", "--python", str(path), "--dry-run")
        assert done.returncode == 2
        assert name in error_lines(done)[0]


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    done = gilbench(
        "run",
        "--python",
        interpreter("3.11").executable,
        "--workload",
        "countdown",
        "--threads",
        "1",
        "--quiet",
        "-o",
        str(path),
    )
    assert done.returncode == 0, done.stderr
    for form in ("json", "terminal"):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [GILBENCH, "report", str(path), "--format", form],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        os.close(writer)
        assert (done.returncode, done.stderr) == (0, "")


def test_one_cpu_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    one = min(os.sched_getaffinity(0))
    done = gilbench(
        "run",
        *("--python", interpreter("3.11").executable, *SHORT, "-o", str(path)),
        preexec_fn=lambda: os.sched_setaffinity(0, {one}),
    )
    assert done.returncode == 0, done.stderr
    study = read_study(path)
    assert study.header.plan.cpus == (one,)
    assert {slice_.cpus for run in study.runs for slice_ in run.slices} == {(one,)}


def test_a_user_without_root_can_measure() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.jsonl"
        done = without_root(Path(folder), "run", "--python", str(SYSTEM_PYTHON), *SHORT, "-o", str(path))
        assert done.returncode == 0, done.stderr
        study = read_study(path)
        assert not study.header.host.root
        assert all(run.readings[0].figures["voluntary_switches"] > 0 for run in study.runs)
