from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from commands import SHORT, gilbench, marked, none_left, start, started_by_gilbench
from interpreters_fixture import interpreter

from gilbench.plan.blocks import count_runs
from gilbench.store.study import read_study


@pytest.fixture
def plan() -> tuple[str, ...]:
    return (
        "run",
        "--python",
        interpreter("3.11").executable,
        "--python",
        interpreter("3.13").executable,
        *SHORT,
    )


def whole_lines(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


def killed_after(seconds: float, path: Path, command: tuple[str, ...], marker: str) -> None:
    process = start(*command, env=marked(marker))
    deadline = time.monotonic() + seconds
    while process.poll() is None and (time.monotonic() < deadline or not whole_lines(path)):
        time.sleep(0.01)
    process.kill()
    process.communicate()


def test_a_session_that_is_killed_loses_no_finished_run(
    tmp_path: Path, plan: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    rng = random.Random(7)
    path, marker = tmp_path / "study.jsonl", f"{tmp_path.name}-{os.getpid()}"
    kills, before = request.config.getoption("--kills"), list[bytes]()
    for number in range(kills):
        command = (*plan, "-o", str(path)) if number == 0 else ("run", "--resume", str(path), "--quiet")
        killed_after(rng.uniform(0.3, 4.0), path, command, marker)
        assert none_left(marker), started_by_gilbench(marker)
        now = whole_lines(path)
        assert now[: len(before)] == before
        assert len(read_study(path).runs) == len(now) - 1
        before = now
    done = gilbench("run", "--resume", str(path), "--quiet", "--format", "json", env=marked(marker))
    assert done.returncode == 0, done.stderr
    study = read_study(path)
    header = study.header
    finished = {(run.block, run.case) for run in study.runs if run.failure is None and not run.interrupted}
    assert len(finished) == count_runs(
        header.plan,
        {one.name: one for one in header.workloads},
        {one.name: one for one in header.interpreters},
    )
    assert none_left(marker), started_by_gilbench(marker)


def interrupted(
    path: Path, plan: tuple[str, ...], numbers: tuple[int, ...], marker: str
) -> tuple[int, str, str, float]:
    process = start(*plan, "-o", str(path), env=marked(marker))
    while len(whole_lines(path)) < 5 and process.poll() is None:
        time.sleep(0.02)
    began = time.monotonic()
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.02)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err, time.monotonic() - began


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_session_saves_and_shows_what_there_is(
    tmp_path: Path, plan: tuple[str, ...], number: int
) -> None:
    path, marker = tmp_path / "study.jsonl", f"{tmp_path.name}-{os.getpid()}"
    status, out, err, _ = interrupted(path, plan, (number,), marker)
    assert status == 130
    assert "study of" in out
    assert "gilbench report" in out
    assert "Traceback" not in err
    study = read_study(path)
    assert study.runs
    assert not study.warnings
    assert none_left(marker)


def test_a_second_interrupt_ends_it_at_once_and_nothing_is_lost(
    tmp_path: Path, plan: tuple[str, ...]
) -> None:
    path, marker = tmp_path / "study.jsonl", f"{tmp_path.name}-{os.getpid()}"
    status, _, err, seconds = interrupted(path, plan, (signal.SIGINT, signal.SIGINT), marker)
    assert status == 130
    assert "Traceback" not in err
    assert seconds < 10
    assert len(read_study(path).runs) >= 4
    assert none_left(marker)
