from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import pytest
from commands import error_lines, gilbench
from interpreters_fixture import absent, interpreter

from gilbench.observe.bpftrace import why_not

ROOT = Path(__file__).parent.parent.parent


def looked_at(*arguments: str, **options: Any) -> dict[str, Any]:
    done = gilbench("system", "--format", "json", *arguments, **options)
    assert done.returncode == 0, done.stderr
    machine: dict[str, Any] = json.loads(done.stdout)
    machine["by"] = {trial["observer"]: trial["by"] for trial in machine["trials"]}
    machine["reason"] = {trial["observer"]: trial["reason"] for trial in machine["trials"]}
    return machine


def test_every_observer_works_here() -> None:
    reason = why_not()
    if reason is not None:
        absent(reason)
    machine = looked_at("--python", interpreter("3.11").executable)
    assert machine["by"]["gil"].startswith("exact")
    assert machine["by"]["stacks"] == "py-spy"
    assert machine["by"]["syscalls"] == "bpftrace"
    assert None not in machine["by"].values()
    assert [cpu["cpu"] for cpu in machine["cpus"]] == sorted(os.sched_getaffinity(0))
    assert all(0 <= cpu["taken"] < 1 for cpu in machine["cpus"])


def test_without_bpftrace_something_weaker_looks_and_the_reason_is_told(tmp_path: Path) -> None:
    (tmp_path / "strace").symlink_to("/usr/bin/strace")
    environment = {**os.environ, "PATH": str(tmp_path)}
    machine = looked_at("--python", interpreter("3.11").executable, env=environment)
    assert machine["by"]["gil"].startswith("samples")
    assert machine["by"]["syscalls"].startswith("strace")
    assert "not installed" in machine["reason"]["gil"]


def test_what_cannot_be_read_has_its_reason_and_the_others_go_on() -> None:
    machine = looked_at("--python", interpreter("pypy").executable)
    assert machine["by"]["gil"] is None
    assert "no CPython" in machine["reason"]["gil"]
    assert machine["by"]["cpu"]


def test_a_user_without_root_is_told_what_is_missing() -> None:
    if os.geteuid() != 0:
        absent("the tests are not run by root, so all of them show it")
    python = Path("/usr/bin/python3")  # one that another user may run, with our libraries
    packages = Path(sysconfig.get_path("purelib"))
    if not python.exists() or python.resolve().name != f"python3.{sys.version_info.minor}":
        absent("there is no system Python of the version that the tests run on")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        done = subprocess.run(
            [python, "-m", "gilbench", "system", "--python", str(python)],
            user="nobody",
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": folder,
                "PYTHONPATH": f"{packages}:{ROOT}",
                "COLUMNS": "80",
            },
        )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "sudo" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize(("spec", "said"), [("no-such-python", "no-such-python"), ("all", "name one")])
def test_not_one_interpreter_is_wrong_use(spec: str, said: str) -> None:
    done = gilbench("system", "--python", spec)
    assert done.returncode == 2
    assert said in "".join(error_lines(done))
