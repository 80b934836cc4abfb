"""What becomes of a profile, and of the program's exit code, where its file or its report cannot be written."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from commands import GILBENCH, error_lines, gilbench
from interpreters_fixture import interpreter

ENDS_WITH_7 = "import sys, time; time.sleep(0.3); sys.exit(7)"
SUFFIXES = ("json", "speedscope.json", "perfetto-trace")


def command(*arguments: str) -> tuple[str, ...]:
    return ("--", interpreter("3.13").executable, "-c", *arguments)


@pytest.fixture(params=SUFFIXES)
def full(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file that can be opened and takes nothing."""
    path = tmp_path / f"profile.{request.param}"
    path.symlink_to("/dev/full")
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_cannot_be_written_is_refused_before_the_program_starts(
    suffix: str, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    for path in (tmp_path / "absent" / f"x.{suffix}", tmp_path / f"folder.{suffix}"):
        (tmp_path / f"folder.{suffix}").mkdir(exist_ok=True)
        done = gilbench("profile", "-o", str(path), *command(f"open({str(mark)!r}, 'w')"))
        assert done.returncode == 2
        assert f"cannot write {path}" in "".join(error_lines(done))
        assert not mark.exists()


def test_trying_a_file_leaves_it_as_it_was(tmp_path: Path) -> None:
    there, new = tmp_path / "there.json", tmp_path / "new.json"
    there.write_text("{}")
    for path in (there, new):
        assert gilbench("profile", "-o", str(path), "--pid", "99999999").returncode == 2
    assert there.read_text() == "{}"
    assert not new.exists()


def test_a_full_disk_costs_neither_the_profile_nor_the_exit_code(full: Path) -> None:
    done = gilbench("profile", "-o", str(full), *command(ENDS_WITH_7))
    assert done.returncode == 7
    assert "Profiled" in done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"gilbench: cannot write {full}: No space left on device")


def test_a_program_that_still_runs_when_its_profile_cannot_be_saved_runs_to_its_end(full: Path) -> None:
    done = gilbench("profile", "--duration", "0.1", "-o", str(full), *command(ENDS_WITH_7))
    assert done.returncode == 7


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", ">/dev/full --format", ">&- --format"])
def test_a_report_that_cannot_be_written_costs_neither_the_file_nor_the_exit_code(
    redirection: str, tmp_path: Path
) -> None:
    path, (where, _, form) = tmp_path / "x.json", redirection.partition(" ")
    arguments = (*((form, "json") if form else ()), "-o", str(path), *command(ENDS_WITH_7))
    shell = ["sh", "-c", f'exec "$@" {where}', "sh", GILBENCH, "profile", *arguments]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 7
    assert "Traceback" not in done.stderr
    assert json.loads(path.read_text())["process"]["status"] == 7


def test_an_attached_process_has_no_exit_code_to_keep(full: Path) -> None:
    with subprocess.Popen([interpreter("3.13").executable, "-c", "import time; time.sleep(30)"]) as program:
        done = gilbench("profile", "-o", str(full), "--duration", "0.2", "--pid", str(program.pid))
        program.kill()
    assert done.returncode == 2
    assert f"cannot write {full}" in done.stderr
    assert "Profiled" in done.stdout


def test_a_program_that_ends_at_once_is_said_to_have_done_so() -> None:
    done = gilbench("profile", "--observe", "gil", *command("import os; os._exit(3)"))
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "1.00 ns" not in done.stderr
