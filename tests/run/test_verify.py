"""A command on two interpreters that are shell scripts, so that each run's end is known."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from studies import named

from gilbench.interpreters.select import Selection
from gilbench.model.errors import UsageError
from gilbench.model.study import Interpreter
from gilbench.run.verify import on_interpreter, verify
from gilbench.work.verification import plan_verification


def make_script(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def threaded(executable: str) -> Interpreter:
    interpreter = named("3.13t", free_threaded=True)
    return type(interpreter)(
        name="3.13t", executable=executable, binary=executable, build=interpreter.build, gil_enabled=False
    )


def test_every_round_has_a_time_of_each_kind_and_the_first_is_left_out(tmp_path: Path) -> None:
    log = tmp_path / "log"
    original = make_script(tmp_path / "python3", f"echo original $1 >> {log}")
    other = make_script(tmp_path / "python3t", f"echo threaded $1 ${{PYTHON_GIL-unset}} >> {log}; sleep 0.3")
    seen: list[str] = []
    found = verify([original, "app.py"], threaded(other), rounds=3, tell=seen.append)
    assert [len(times) for times in found[:3]] == [3, 3, 3]
    assert min(found.threaded) >= 0.3 > min(found.original)
    assert found.complaints == ()
    lines = log.read_text().splitlines()
    assert (lines.count("original app.py"), lines.count("threaded app.py unset")) == (5, 4)
    assert lines.count("threaded app.py 1") == 4
    assert seen[-1] == "verifying: round 3 of 3"


def test_another_exit_status_is_said_with_the_last_line_and_ends_it(tmp_path: Path) -> None:
    original = make_script(tmp_path / "python3", "exit 0")
    other = make_script(
        tmp_path / "python3t", "echo Traceback >&2; echo No module named x >&2; echo fine; exit 1"
    )
    found = verify([original, "app.py"], threaded(other))
    assert found.original == ()
    (complaint,) = found.complaints
    assert complaint.startswith("on 3.13t")
    assert complaint.endswith("the exit status was 1 instead of 0; its last line: No module named x")


def test_a_program_that_fails_everywhere_alike_is_timed_and_said_to_fail(tmp_path: Path) -> None:
    both = make_script(tmp_path / "python3", "exit 3")
    found = verify([both, "app.py"], threaded(both), rounds=2)
    assert len(found.threaded) == 2
    assert found.complaints == ("all runs had exit status 3",)


def test_an_extension_that_switches_the_gil_on_is_told_of_and_it_is_forced_off(tmp_path: Path) -> None:
    log = tmp_path / "log"
    original = make_script(tmp_path / "python3", "exit 0")
    warning = "RuntimeWarning: The global interpreter lock (GIL) has been enabled to load module x"
    body = f"echo ${{PYTHON_GIL-unset}} >> {log}; [ -n \"$PYTHON_GIL\" ] || echo '{warning}' >&2"
    other = make_script(tmp_path / "python3t", body)
    found = verify([original, "app.py"], threaded(other), rounds=2)
    (complaint,) = found.complaints
    assert "enables the GIL of 3.13t" in complaint
    assert "forced off (PYTHON_GIL=0)" in complaint
    assert found.forced
    assert sorted(log.read_text().split()) == ["0", "0", "1", "1", "1", "unset"]


def test_the_cpu_time_of_each_run_is_kept(tmp_path: Path) -> None:
    original = make_script(tmp_path / "python3", "exit 0")
    work = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"
    other = make_script(tmp_path / "python3t", f'[ -n "$PYTHON_GIL" ] || {{ {work}; }}')
    found = verify([original, "app.py"], threaded(other), rounds=2)
    assert len(found.threaded_cpu) == len(found.gil_on_cpu) == 2
    assert min(found.threaded_cpu) > max(found.gil_on_cpu)
    assert not found.forced


def test_a_program_that_hangs_on_the_other_interpreter_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gilbench.run.verify._LEAST_TIMEOUT", 0.3)
    original = make_script(tmp_path / "python3", "exit 0")
    other = make_script(tmp_path / "python3t", "sleep 60")
    found = verify([original, "app.py"], threaded(other))
    assert len(found.complaints) == 1
    assert (
        "on 3.13t, the program timed out after " in found.complaints[0]
        or "GIL enabled, the program timed out after " in found.complaints[0]
    )


def test_bad_use_is_said_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = Selection((named("3.13"),), ())
    monkeypatch.setattr("gilbench.work.verification.select", lambda _specs, **_: chosen)
    with pytest.raises(UsageError, match=r"--verify needs a free-threaded interpreter, but 3\.13 has a GIL"):
        plan_verification(["python", "app.py"], "3.13")
    with pytest.raises(UsageError, match="needs the command"):
        plan_verification([], "3.13t")


def test_an_interpreter_is_replaced_and_a_script_is_given_to_the_other(tmp_path: Path) -> None:
    script = make_script(tmp_path / "serve", "exit 0")
    assert on_interpreter(["/usr/bin/python3.11", "-m", "x"], named("t")) == ("/fake/t", "-m", "x")
    assert on_interpreter(["python", "app.py"], named("t")) == ("/fake/t", "app.py")
    assert on_interpreter([script, "--port", "1"], named("t")) == ("/fake/t", script, "--port", "1")


def test_what_is_neither_is_refused_with_the_next_step(tmp_path: Path) -> None:
    binary = tmp_path / "program"
    binary.write_bytes(b"\x7fELF")
    binary.chmod(0o755)
    with pytest.raises(UsageError, match="pass the command as: python SCRIPT"):
        on_interpreter([str(binary)], named("t"))
    with pytest.raises(UsageError, match="command not found: nowhere"):
        on_interpreter(["nowhere"], named("t"))
