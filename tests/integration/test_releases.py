"""Whether calls release the GIL, on real interpreters. Directions only: other programs may use the CPUs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import error_lines, gilbench
from interpreters_fixture import absent, interpreter

from gilbench.analyse.releases import judge_release
from gilbench.model.calls import OwnCall
from gilbench.model.releases import Release
from gilbench.model.study import Case
from gilbench.run.extension import compile_extension
from gilbench.run.releasing import measure_call
from gilbench.work.calls import call_workloads

BLOCKS, ROUNDS = 4, 6
SLEEP = ("time.sleep(0.002)", "import time")
SORT = ("sorted(d)", "import random; d = [random.random() for _ in range(10000)]")


def release(spec: str, statement: str, setup: str) -> Release:
    found = interpreter(spec)
    (workload,) = call_workloads([OwnCall(code=statement, setup=setup)], ())
    case = Case(workload=workload.name, interpreter=found.name, threads=1)
    blocks = [measure_call(case, found, workload, ROUNDS, str(number)).block for number in range(BLOCKS)]
    return judge_release(case, [block for block in blocks if block is not None], 0.5)


@pytest.mark.parametrize("spec", ["2.7", "3.11", "3.13", "pypy"])
def test_a_call_that_sleeps_releases_it_and_one_that_sorts_does_not(spec: str) -> None:
    sleep, sort = release(spec, *SLEEP), release(spec, *SORT)
    assert sleep.answer != "no"
    assert sort.answer != "yes"
    assert sleep.seconds is not None
    assert sleep.seconds >= 0.002
    if sleep.share is not None and sort.share is not None:
        assert sleep.share > sort.share


def test_without_a_gil_there_is_nothing_to_release() -> None:
    found = interpreter("3.13t")
    (workload,) = call_workloads([OwnCall(code=SLEEP[0], setup=SLEEP[1])], ())
    case = Case(workload=workload.name, interpreter=found.name, threads=1)
    assert measure_call(case, found, workload, ROUNDS, "").block is None
    forced = measure_call(
        Case(workload=workload.name, interpreter=found.name, threads=1, gil=True), found, workload, ROUNDS, ""
    )
    assert forced.block is not None


def test_a_module_that_enables_the_gil_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = interpreter("3.13t")
    compiled = compile_extension(found, tmp_path)
    if compiled.absent is not None:
        absent(compiled.absent)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    call = OwnCall(code=SLEEP[0], setup=f"import time, {compiled.modules['plain']}")
    (workload,) = call_workloads([call], ())
    case = Case(workload=workload.name, interpreter=found.name, threads=1)
    tried = measure_call(case, found, workload, 1, "")
    assert (tried.block is not None, tried.enabled_by) == (True, compiled.modules["plain"])


def test_the_command_line_writes_rows_and_refuses_what_fails(tmp_path: Path) -> None:
    done = gilbench(
        *("releases", "time:sleep", "--arg", "1=0.001", "--python", "3.13", "--format", "json"),
        *("-o", "answers.json"),
        cwd=tmp_path,
    )
    document = json.loads(done.stdout)
    again = gilbench("report", "answers.json", "--format", "json", cwd=tmp_path)
    assert json.loads(again.stdout) == document
    assert [row["parameters"] for row in document["rows"]] == [{}]
    assert done.returncode == {"yes": 0, "undecided": 3}[document["answer"]]
    wrong = gilbench("releases", "time:nothing", "--python", "3.13", cwd=tmp_path)
    assert (wrong.returncode, "time has no nothing" in error_lines(wrong)[0]) == (2, True)
