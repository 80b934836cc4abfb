"""``gilbench run -- COMMAND`` and ``check -- COMMAND``, as a user runs them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from commands import GILBENCH, gilbench

from gilbench.analyse.study.report import build_report
from gilbench.model.commands import CommandRequest
from gilbench.model.errors import UsageError
from gilbench.model.study import Study
from gilbench.store.study import read_study
from gilbench.work.measure import measure
from gilbench.work.planning import MeasureRequest

OWN = sys.executable
LASTING = f"4323.{os.getpid()}"  # s of a sleep that no other test process has
SERVER = """
import socket, sys
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready now", flush=True)
while True:
    client, _ = listening.accept()
    sum(range(300_000))
    client.close()
"""
CLIENT = (
    "import socket, sys\nfor _ in range(3): socket.create_connection(('127.0.0.1', int(sys.argv[1]))).recv(1)"
)


def measured(tmp_path: Path, *arguments: str, code: int = 0) -> Study:
    done = gilbench("run", "-q", "-o", "study.jsonl", *arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    return read_study(tmp_path / "study.jsonl")


def cells(study: Study) -> dict[tuple[str, Any], float]:
    return {
        (cell.metric, dict(cell.case.parameters).get("n")): cell.value for cell in build_report(study).cells
    }


def test_a_script_over_its_parameters(tmp_path: Path) -> None:
    code = "x = bytearray({n} << 20)"
    study = measured(
        tmp_path, "--python", OWN, "--set", "n=1,50", "--runs", "4", "--", "{python}", "-S", "-c", code
    )
    found = cells(study)
    assert len(study.runs) == 8
    assert {slice_.operations for run in study.runs for slice_ in run.slices} == {1.0}
    assert found["memory_peak", "50"] > found["memory_peak", "1"] + (45 << 20)
    assert found["wall_time", "1"] > 0
    assert found["cpu_time", "1"] == pytest.approx(
        found["user_time", "1"] + found["system_time", "1"], rel=0.5
    )
    assert found["gil_enabled", "1"] == 1.0


def test_commands_are_compared_with_the_first(tmp_path: Path) -> None:
    study = measured(tmp_path, "--command", "sleep 0.1", "--command", "sleep 0", "--runs", "6")
    compared = gilbench("compare", "study.jsonl", "--metric", "wall_time", "--format", "json", cwd=tmp_path)
    (row,) = json.loads(compared.stdout)["comparisons"]
    assert (row["reference"], row["verdict"]) == ("sleep 0.1", "improved")
    (finding,) = [one for one in build_report(study).findings if one.kind == "commands"]
    assert "sleep 0 runs at" in finding.text
    assert "the speed of sleep 0.1" in finding.text


def test_a_check_of_an_interpreter_with_itself_has_a_row_for_the_command(tmp_path: Path) -> None:
    sides = ("--python", OWN, "--against", OWN, "--runs", "4")
    done = gilbench(
        "check", "-q", *sides, "--format", "json", "--", "{python}", "-S", "-c", "pass", cwd=tmp_path
    )
    assert done.returncode in {0, 1}, done.stderr
    rows = json.loads(done.stdout)["comparisons"]
    assert {row["metric"] for row in rows} == {"wall_time"}


def wrong(text: str, **options: Any) -> CommandRequest:
    return CommandRequest(commands=(text,), **options)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (wrong("no-such-program"), "command not found: no-such-program"),
        (wrong("sh -c 'echo out; echo why >&2; exit 3'"), "the command exited with status 3: why"),
        (wrong("sh -c 'echo only out; exit 3'"), "the command exited with status 3: only out"),
        (wrong("sh -c 'kill -SEGV $$'"), "the command was ended by SIGSEGV"),
        (wrong(f"sleep {LASTING}", timeout="1s"), "the command took longer than 1 s"),
        (wrong("sh -c 'read x < /dev/tty'"), "the command exited with status 2"),
        (wrong(f"sh -c 'sleep {LASTING} &'"), "left 1 process behind"),
        (wrong(f"sh -c 'setsid sleep {LASTING} & sleep 0.1'"), "left 1 process behind"),
        (wrong("true", prepare="false"), "--prepare exited with status 1"),
        (wrong("true", cleanup="false"), "--cleanup exited with status 1"),
        (wrong("echo {unknown}"), "{unknown} has no value"),
        (wrong(f"sleep {LASTING}", ready="port 1x", load="true"), "not a port number"),
        (wrong(f"sleep {LASTING}", ready="line [", load="true"), "not a regular expression"),
        (wrong(f"sleep {LASTING}", ready="file no", load="true", timeout="1s"), "not ready within 1 s"),
        (
            wrong("sh -c 'echo oh; exit 4'", ready="line x", load="true"),
            "the server exited with status 4: oh",
        ),
        (wrong(f"sh -c 'echo x; sleep {LASTING}'", ready="line x", load="false"), "--load exited"),
    ],
)
def test_a_command_that_cannot_be_measured_is_refused(
    tmp_path: Path, request_: CommandRequest, message: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        measure(MeasureRequest(command=request_), tmp_path / "study.jsonl")
    assert not (tmp_path / "study.jsonl").exists()
    assert not left(LASTING)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"settings": ("n=1",)}, "the command has no {n}"),
        ({"python": (OWN,)}, "write {python}"),
        ({"threads": "2"}, "--threads needs {threads}"),
        ({"workload": ("countdown",)}, "--workload has no effect"),
        ({"axes": {"switch_interval": "1ms"}}, "--switch-interval has no effect"),
    ],
)
def test_an_option_without_effect_is_refused(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        measure(MeasureRequest(command=wrong("true"), **fields), tmp_path / "study.jsonl")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "-q", "--", "false"),
        ("run", "--prepare", "true"),
        ("run", "--command", "a", "--", "b"),
        ("check", "study.jsonl", "other.jsonl"),
        ("check", "--python", OWN, "--against", OWN, "--explain", "--", "{python}", "-V"),
    ],
)
def test_wrong_use_is_one_or_two_lines(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = gilbench(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert 1 <= len(done.stderr.splitlines()) <= 2


def test_what_fails_in_one_case_is_recorded_and_the_rest_is_saved(tmp_path: Path) -> None:
    study = measured(tmp_path, "--set", "n=0,1", "--runs", "3", "--", "sh", "-c", "exit {n}", code=4)
    found = cells(study)
    assert ("wall_time", "0") in found
    assert ("wall_time", "1") not in found
    failures = build_report(study).failures
    assert {failure.message for _, failure in failures} == {"the command exited with status 1"}
    assert resumed(tmp_path) == study.runs


def resumed(tmp_path: Path) -> tuple[object, ...]:
    done = gilbench("run", "-q", "--resume", "study.jsonl", cwd=tmp_path)
    assert done.returncode == 4, done.stderr
    return read_study(tmp_path / "study.jsonl").runs


def test_an_exit_status_can_be_ignored_and_prepare_and_cleanup_run(tmp_path: Path) -> None:
    log = "sh -c 'echo {} >> log'"
    options = (
        "--prepare",
        log.format("before"),
        "--cleanup",
        log.format("after"),
        "--warmup",
        "1",
        "--runs",
        "3",
        "-i",
    )
    study = measured(tmp_path, *options, "--", "sh", "-c", "echo run >> log; exit 5")
    assert sum(len(run.slices) for run in study.runs) == 3
    lines = (tmp_path / "log").read_text().split()
    assert lines.count("before") == lines.count("run")
    assert lines.count("after") == len(study.runs) + 1  # and after the trial
    assert lines[-1] == "after"


def test_an_interrupted_study_is_resumed_and_another_users_is_not(tmp_path: Path) -> None:
    study = measured(tmp_path, "--runs", "4", "--", "true")
    path = tmp_path / "study.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    elsewhere = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = gilbench("run", "-q", "--resume", "study.jsonl", cwd=tmp_path, env=elsewhere)
    assert done.returncode == 2
    assert "which is not in the catalogue" in done.stderr
    done = gilbench("run", "-q", "--resume", "study.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(read_study(path).runs) == len(study.runs)


@pytest.mark.parametrize("ready", ["port {port}", "line ^ready"])
def test_a_server_under_load(tmp_path: Path, ready: str) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    (tmp_path / "client.py").write_text(CLIENT)
    server = ("--", "{python}", "server.py", "{port}")
    options = ("--ready", ready, "--load", f"{OWN} -S client.py {{port}}", "--runs", "3")
    study = measured(tmp_path, "--python", OWN, *options, *server)
    found = cells(study)
    assert found["cpu_time", None] > 0.001  # it worked
    assert found["memory_peak", None] > 1 << 20
    assert found["gil_enabled", None] == 1.0
    assert not left("server.py")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_stays_if_gilbench_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    # The command is short in the trial, and long in the run.
    script = f"test -e second || {{ touch second; exit 0; }}; sleep {LASTING}"
    with subprocess.Popen([GILBENCH, "run", "-q", "--", "sh", "-c", script], cwd=tmp_path) as running:
        try:
            _until(lambda: bool(left(LASTING)))
        finally:
            running.send_signal(number)
        running.wait(20)
    _until(lambda: not left(LASTING))


def _until(condition: Any, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def left(argument: str) -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cmdline"]) if argument in (one.info["cmdline"] or ())]


def test_what_a_project_sets_for_workloads_does_not_disturb_a_command(tmp_path: Path) -> None:
    table = f"[tool.gilbench]\npython = [{OWN!r}]\nthreads = [1, 2]\nfamily = ['cpu']\nwarmup = 1\n"
    (tmp_path / "pyproject.toml").write_text(table)
    (tmp_path / "pyproject.toml").chmod(0o600)
    study = measured(tmp_path, "--runs", "1", "--", "true")
    assert [workload.name for workload in study.header.workloads] == ["true"]
    assert study.header.workloads[0].command is not None
    assert study.header.workloads[0].command.warmup == 1
    done = gilbench("run", "--dry-run", "--workload", "countdown", cwd=tmp_path)
    assert "countdown" in done.stdout, done.stderr
