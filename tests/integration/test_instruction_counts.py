"""Instructions counted under valgrind, of real interpreters."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from commands import gilbench, start
from interpreters_fixture import absent, interpreter
from studies import make_profile

from gilbench.analyse.study.counts import compare_counts, count_logs
from gilbench.model.errors import RunFailure, UsageError
from gilbench.model.study import Case, Interpreter, Run, Study, Workload
from gilbench.observe import instructions
from gilbench.plan import catalogue
from gilbench.plan.counting import INSTRUCTIONS, METRIC, REPEATS
from gilbench.run.counted_work import ENOUGH, LEAST, length_of
from gilbench.run.counting import needed_counter, run_counts
from gilbench.run.session import Hooks
from gilbench.store.study import StudyWriter, read_study
from gilbench.work.planning import describe_study

COUNTDOWN = catalogue.catalogue()["countdown"]
RUN = ("run", "--python", "3.11", "--workload", "countdown", "--threads", "1", "--count", "instructions")


@pytest.fixture(autouse=True)
def _valgrind() -> None:
    if shutil.which("valgrind") is None:
        absent("valgrind is not installed")


def counted(
    interpreters: list[Interpreter],
    *parameters: dict[str, Any],
    workload: Workload = COUNTDOWN,
    earlier: tuple[Run, ...] = (),
    stop: int = 1000,
) -> Study:
    """Count a workload with some sets of parameters, up to a number of runs."""
    cases = [
        Case(
            workload=workload.name,
            interpreter=one.name,
            threads=1,
            parameters=tuple(given.items()),
            observers=(INSTRUCTIONS,),
        )
        for given in parameters or ({},)
        for one in interpreters
    ]
    header = describe_study(
        cases,
        effort=make_profile(),
        interpreters=interpreters,
        workloads=[workload],
        reference=interpreters[0].name,
        seed=1,
    )
    runs = [*earlier]
    hooks = Hooks(save=runs.append, stop=lambda: len(runs) >= stop, progress=lambda _text, _share: None)
    by_name = {one.name: one for one in interpreters}
    counter = needed_counter(header.plan, earlier)
    assert counter is not None
    run_counts(header.plan, by_name, {workload.name: workload}, hooks, counter, earlier)
    return Study(header=header, runs=tuple(runs))


def test_one_percent_more_work_is_found_and_the_same_count_comes_again(tmp_path: Path) -> None:
    found = counted([interpreter("3.11")], {"start": 5000}, {"start": 5050}, stop=4)
    logs = [*count_logs(found).values()]
    assert logs[1][0] - logs[0][0] == pytest.approx(0.01, abs=0.001)
    # Hash seeds do not matter to a countdown.
    assert max(logs[0].values()) - min(logs[0].values()) < 1e-4
    path = tmp_path / "study.jsonl"
    with StudyWriter(path, found.header) as writer:
        for run in found.runs:
            writer.add(run)
    assert read_study(path).runs == found.runs
    resumed = counted([interpreter("3.11")], {"start": 5000}, {"start": 5050}, earlier=found.runs)
    assert len(resumed.runs) == 2 * REPEATS
    assert {(run.case, run.block) for run in resumed.runs} == {(case, n) for case in (0, 1) for n in range(3)}


@pytest.mark.parametrize("spec", ["2.7", "3.13t"])
def test_old_and_free_threaded_builds_are_counted(spec: str) -> None:
    (run,) = counted([interpreter(spec)], {"start": 1000}, stop=1).runs
    assert run.failure is None
    (reading,) = run.readings
    assert reading.by in {"perf", "callgrind"}
    assert 1000 * 20 < reading.figures[METRIC] < 1000 * 1000


def test_a_link_of_another_length_to_the_same_interpreter_does_the_same_work(tmp_path: Path) -> None:
    one = interpreter("3.11")
    link = tmp_path / ("x" * 100) / "python"
    link.parent.mkdir()
    link.symlink_to(one.executable)
    again = msgspec.structs.replace(one, name="again", executable=str(link))
    (row,) = compare_counts(counted([one, again], {"start": 2000}))
    assert row.verdict == "equivalent"
    assert row.ratio == pytest.approx(1, abs=0.002)


def test_a_probe_of_somebody_else_costs_another_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = instructions.Counting.finish
    asked = []

    def finish(self: instructions.Counting, seconds: float) -> int:
        asked.append(seconds)
        if len(asked) == 3:
            raise instructions.Trapped("ended at a breakpoint")
        return ended(self, seconds)

    monkeypatch.setattr(instructions.Counting, "finish", finish)
    (run,) = counted([interpreter("3.11")], {"start": 1000}, stop=1).runs
    assert run.failure is None
    assert run.readings[0].figures[METRIC] > 0


def test_pypy_is_not_counted() -> None:
    (run,) = counted([interpreter("pypy3")]).runs
    assert run.failure is None
    assert "not counted" in str(run.readings[0].unavailable)


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("import nothing_like_this", "unsupported", "nothing_like_this"),
        ("def operation(local): return 1 // 0", "workload", "ZeroDivisionError"),
        ("def operation(local, n=[0]):\n    n[0] += 1\n    return n[0]", "checksum", "instead of"),
        ("import os\ndef operation(local): os._exit(3)", "crash", "status 3"),
    ],
)
def test_a_workload_that_fails_is_a_failed_run_and_is_not_repeated(
    tmp_path: Path, body: str, kind: str, said: str
) -> None:
    path = tmp_path / "broken.py"
    path.write_text(f'"""Broken."""\nWORKLOAD = {{"driver": "parallel", "unit": "times"}}\n{body}\n')
    (run,) = counted([interpreter("3.11")], workload=catalogue.read_declaration(path)).runs
    assert run.failure is not None
    assert run.failure.kind == kind
    assert said in run.failure.message


def test_a_length_is_a_power_of_two_that_a_few_instructions_do_not_change() -> None:
    assert length_of(1_000_000) == length_of(1_000_100) == 64
    assert length_of(ENOUGH) == LEAST
    assert ENOUGH <= 64 * 1_000_000
    with pytest.raises(RunFailure, match="not counted: an operation takes"):
        length_of(1 << 30)


def test_without_a_tool_nothing_is_measured_and_the_next_step_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(instructions, "find_tool", lambda _name: None)
    with pytest.raises(UsageError, match="valgrind: not found in PATH") as error:
        counted([interpreter("3.11")])
    assert "Install valgrind" in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--count", "cycles", "--workload", "countdown"), "use instructions"),
        (("--count", "instructions", "--family", "io"), "no cpu workload with one thread"),
        (("--count", "instructions", "--workload", "countdown", "--threads", "2"), "--threads 1"),
    ],
)
def test_what_cannot_be_counted_is_told_before_anything_runs(arguments: tuple[str, ...], said: str) -> None:
    done = gilbench("run", "--python", interpreter("3.11").executable, *arguments, "--dry-run")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_killed_session_leaves_no_valgrind_and_no_file(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    path = tmp_path / "study.jsonl"
    interpreter("3.11")
    process = start(*RUN, "--quiet", "-o", str(path), env=environment)
    deadline = time.monotonic() + 60
    children: list[psutil.Process] = []
    while len(children) < 2:  # both lengths, not the trial
        assert process.poll() is None
        assert time.monotonic() < deadline
        children = [
            one for one in psutil.Process(process.pid).children() if "valgrind" in " ".join(one.cmdline())
        ]
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    gilbench("run", "--resume", str(path), "--format", "json", "--quiet", env=environment, seconds=300)
    assert not list(temporary.glob("gilbench-scratch-*"))
    study = read_study(path)
    assert (
        sum(bool(run.readings and run.readings[0].observer == INSTRUCTIONS) for run in study.runs) == REPEATS
    )
