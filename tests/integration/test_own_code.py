"""The user's own functions and statements, on real interpreters."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import error_lines, gilbench
from interpreters_fixture import interpreter
from sessions import BRIEF, by_case, run_session

from gilbench.model.calls import OwnCall
from gilbench.model.errors import RunFailure, UsageError
from gilbench.model.study import Case, Workload
from gilbench.plan.axes import Axes
from gilbench.render.formats import text_of
from gilbench.run.trial import try_case
from gilbench.work.calls import call_workloads, tried
from gilbench.work.listener import SILENT
from gilbench.work.measure import measure
from gilbench.work.planning import MeasureRequest, describe_study
from gilbench.work.read import report

# Named like a module of gilbench's own, which must not be in its way. One source for 2.7, too.
MODULE = """
import os, sys, threading, time

class Point(object):
    def __init__(self, x):
        self.x = x
    def twice(self, by=2):
        return self.x * by

point = Point(3)

def step(n, text="", data=()):
    assert (n, text, list(data)) == (3, "a,b", [1, 2]), (n, text, data)
    return object()

def bad():
    raise ValueError("bad luck\\nin two lines")

def slow(seconds=0.1):
    time.sleep(seconds)

def leaks():
    thread = threading.Thread(target=time.sleep, args=(60,))
    thread.daemon = True
    thread.start()

def forks():
    os.fork()

def forks_a_sleeper():
    if os.fork() == 0:
        time.sleep(60)

def exits():
    sys.exit(3)

def dies():
    os._exit(3)

def prints():
    print("a word")

def generator():
    yield 1

number = 3
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.py").write_text(MODULE)
    (tmp_path / "waits.py").write_text("import asyncio\n\nasync def once(n):\n    await asyncio.sleep(0)\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def own(code: str, *arguments: str, setup: str = "", shared: bool = False) -> Workload:
    return call_workloads([OwnCall(code=code, arguments=arguments, setup=setup, shared=shared)], ())[0]


@pytest.mark.parametrize("spec", ["2.7", "3.13", "3.13t", "pypy", "jython", "ironpython"])
def test_functions_and_statements_run_on_every_interpreter(spec: str) -> None:
    calls = [
        own("train:step", "n=3", "text='a,b'", "data=(1, 2)"),
        own("train:point.twice", "1=5"),
        own("train:prints"),
        own("total = total + len(d)\nd.append(1); d.pop()", setup="total = 0\nd = [1]"),
    ]
    plan, runs = run_session(calls, [interpreter(spec)], Axes(threads=(1, 2)))
    assert {case.workload for case in by_case(plan, runs)} == {one.name for one in calls}
    for run in runs:
        assert all(thread.total for slice_ in run.slices for thread in slice_.threads)


@pytest.mark.parametrize("spec", ["2.7", "3.13", "jython", "ironpython"])
def test_names_that_a_statement_uses_are_local(spec: str) -> None:
    found, call = interpreter(spec), own("x + 1\nassert 'x' in locals()", setup="x = 1")
    assert try_case(Case(workload=call.name, interpreter=found.name, threads=1), found, call) >= 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("train:bad", r"ValueError raised: bad luck in two lines \(train\.py:\d+, in bad\)"),
        ("train:nothing", "train has no nothing"),
        ("train:step", "TypeError raised: .*argument.*NAME=VALUE"),
        ("train:exits", "SystemExit raised: 3"),
        ("train:leaks", "still running"),
        ("nothing_of_this_name:f", "nothing_of_this_name"),
        ("x = ", "not valid"),
    ],
)
@pytest.mark.parametrize("spec", ["jython", "ironpython"])
def test_a_call_that_fails_on_a_runtime_without_a_gil_says_why(code: str, words: str, spec: str) -> None:
    found, call = interpreter(spec), own(code)
    with pytest.raises(RunFailure, match=words) as failure:
        try_case(Case(workload=call.name, interpreter=found.name, threads=1), found, call)
    assert "\n" not in failure.value.message


def test_numbers_and_other_values_of_one_argument_are_reported(folder: Path) -> None:
    request = MeasureRequest(
        python=("3.13",),
        calls=(OwnCall(code="json:dumps", arguments=("obj=[1,2]", "indent=None,1,2,3")),),
        threads="1",
        seed=1,
    )
    found = report(measure(request, output=folder / "study.jsonl").study)
    values = {dict(cell.case.parameters)["indent"] for cell in found.cells if cell.metric == "throughput"}
    assert values == {"None", 1, 2, 3}
    text = text_of(found, "terminal")
    assert "dumps indent=None" in text


def test_a_coroutine_function_is_awaited() -> None:
    plan, runs = run_session([own("waits:once", "n=1")], [interpreter("3.13")], Axes(threads=(2,)))
    by_case(plan, runs)


@pytest.mark.parametrize(("shared", "lines"), [(False, 2), (True, 1)])
def test_the_setup_runs_once_per_thread_or_once(folder: Path, *, shared: bool, lines: int) -> None:
    setup = "import os; f = os.open('log', os.O_CREAT | os.O_WRONLY | os.O_APPEND); _ = os.write(f, b'x\\n')"
    call = own("f + 1", setup=setup, shared=shared)
    by_case(*run_session([call], [interpreter("3.13")], Axes(threads=(2,))))
    assert (folder / "log").read_text().count("x") == lines


@pytest.mark.parametrize(
    ("code", "arguments", "words"),
    [
        ("train:bad", (), r"ValueError raised: bad luck in two lines \(train\.py:\d+, in bad\)"),
        ("train:nothing", (), "train has no nothing"),
        ("train:point.nothing", (), "train:point has no nothing"),
        ("train:number", (), "cannot be called"),
        ("train:step", (), "TypeError raised: .*argument.*NAME=VALUE"),
        ("train:step", ("m=1",), "TypeError raised: .*NAME=VALUE"),
        ("train:exits", (), "SystemExit raised: 3"),
        ("train:dies", (), "status 3"),
        ("train:leaks", (), "still running"),
        ("train:forks", (), "child process"),
        ("train:forks_a_sleeper", (), "child process"),
        ("train:generator", (), "only makes a generator"),
        ("nothing_of_this_name:f", (), "nothing_of_this_name"),
        ("x = ", (), "not valid"),
        ("yield 1", (), "not valid"),
        ("1 / 0", (), "ZeroDivisionError"),
    ],
)
@pytest.mark.parametrize("spec", ["3.13", "2.7"])
def test_a_call_that_cannot_be_measured_says_why(
    code: str, arguments: tuple[str, ...], words: str, spec: str
) -> None:
    found = interpreter(spec)
    call = own(code, *arguments)
    with pytest.raises(RunFailure, match=words) as failure:
        try_case(Case(workload=call.name, interpreter=found.name, threads=1), found, call)
    assert "\n" not in failure.value.message


def test_a_call_that_fails_everywhere_is_wrong_use_and_leaves_no_study(folder: Path) -> None:
    done = gilbench("run", "--python", "3.13", "--call", "train:bad", "--threads", "1", cwd=folder)
    assert (done.returncode, "bad luck" in error_lines(done)[0]) == (2, True)
    assert not (folder / "reports").exists()


def test_a_call_that_takes_long_is_planned_for() -> None:
    found, call = interpreter("3.13"), own("train:slow")
    cases = [Case(workload=call.name, interpreter=found.name, threads=threads) for threads in (1, 2)]
    header = describe_study(
        cases, effort=BRIEF, interpreters=[found], workloads=[call], reference=found.name, seed=1
    )
    slow = tried(header, SILENT)
    assert slow.workloads[0].operation_seconds >= 0.1
    assert slow.plan.seconds > header.plan.seconds
    plan, runs = run_session(slow.workloads, [found], Axes(threads=(1, 2)))
    assert all(len(run.slices) == 1 for run in by_case(plan, runs).values())


def test_one_interpreter_that_can_call_it_is_enough() -> None:
    able, unable, call = interpreter("3.13"), interpreter("2.7"), own("waits:once", "n=1")
    cases = [Case(workload=call.name, interpreter=one.name, threads=1) for one in (unable, able)]

    def planned(count: int) -> None:
        tried(
            describe_study(
                cases[:count],
                effort=BRIEF,
                interpreters=[unable, able],
                workloads=[call],
                reference=able.name,
            ),
            SILENT,
        )

    planned(2)
    with pytest.raises(UsageError, match=r"2\.7"):
        planned(1)


def test_timeit_shows_the_time_and_its_study_can_be_resumed(folder: Path) -> None:
    command = ("timeit", "--threads", "1,2", "--seed", "1", "-o", "study.jsonl")
    done = gilbench(*command, "x + 1", "-s", "x = 1", "--name", "add", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "Scaling, own code" in done.stdout
    assert any("time" in line and "1 thread" in line for line in done.stdout.splitlines())
    study = folder / "study.jsonl"
    lines = study.read_text().splitlines(keepends=True)
    study.write_text("".join(lines[:-1]))
    again = gilbench("run", "--resume", "study.jsonl", "--quiet", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert len(study.read_text().splitlines()) > len(lines) - 1
