from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from commands import SYSTEM_PYTHON, error_lines, gilbench, without_root
from interpreters_fixture import absent, interpreter

from gilbench.observe.bpftrace_access import why_not


def looked_at(*arguments: str, **options: Any) -> dict[str, Any]:
    done = gilbench("system", "--format", "json", *arguments, **options)
    assert done.returncode == 0, done.stderr
    machine: dict[str, Any] = json.loads(done.stdout)
    machine["by"] = {one["observer"]: one["by"] for one in machine["observers"]}
    machine["reason"] = {one["observer"]: one["reason"] for one in machine["observers"]}
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
    assert machine["by"]["gil"].startswith("sampled")
    assert machine["by"]["syscalls"].startswith("strace")
    assert "not installed" in machine["reason"]["gil"]


def test_what_cannot_be_read_has_its_reason_and_the_others_go_on() -> None:
    machine = looked_at("--python", interpreter("pypy").executable)
    assert machine["by"]["gil"] is None
    assert "not CPython" in machine["reason"]["gil"]
    assert machine["by"]["cpu"]


def test_a_user_without_root_is_told_what_is_missing() -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = without_root(Path(folder), "system", "--python", str(SYSTEM_PYTHON))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "sudo" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize(("spec", "said"), [("no-such-python", "no-such-python"), ("all", "choose one")])
def test_not_one_interpreter_is_wrong_use(spec: str, said: str) -> None:
    done = gilbench("system", "--python", spec)
    assert done.returncode == 2
    assert said in "".join(error_lines(done))
