"""Scripts for pyperf, measured on real interpreters without pyperf."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import gilbench
from interpreters_fixture import interpreter

from gilbench.model.errors import UsageError
from gilbench.model.study import Run, Workload
from gilbench.plan.axes import Axes
from gilbench.work.listener import SILENT, Listener
from gilbench.work.pyperf_workloads import pyperf_workloads
from gilbench.work.workload_tests import _run

ALL = """
import pyperf, time
def time_func(loops, pause):
    time.sleep(pause)
    return loops * 1e-4
runner = pyperf.Runner()
runner.bench_func("sum", sum, range(50), inner_loops=10)
runner.bench_time_func("counted", time_func, 0.02)
runner.timeit("statement", "x + 1", setup="x = 1")
runner.timeit(name="cleans up", stmt="pass", teardown="import gc")
runner.bench_command("program", ["true"])
"""
OWN = """
import pyperf, threading
def mine():
    if threading.current_thread() is not owner:
        raise RuntimeError("object of another thread")
owner = threading.current_thread()
pyperf.Runner().bench_func("mine", mine)
"""
CLEANS_UP = """
import os, pyperf
def look():
    open(path).close()
runner = pyperf.Runner()
runner.argparser.add_argument("folder")
path = os.path.join(runner.parse_args().folder, "data-%d" % os.getpid())
open(path, "w").close()
try:
    runner.bench_func("look", look)
finally:
    os.remove(path)
"""


class Notes(Listener):
    """Keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def made(
    given: str, spec: str = "3", patterns: tuple[str, ...] = (), listener: Listener = SILENT
) -> tuple[Workload, ...]:
    return pyperf_workloads((given,), patterns, (interpreter(spec),), listener)


def run(
    workload: Workload, spec: str = "3", threads: tuple[int, ...] = (1,), namespace: str = "own"
) -> list[Run]:
    axes = Axes(threads=threads, parameters={"namespace": (namespace,)})
    _, runs = _run(workload, {}, (interpreter(spec),), axes)
    return runs


def script(folder: Path, text: str, name: str = "bench.py") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def reasons(runs: list[Run]) -> list[str]:
    return [run.failure.message for run in runs if run.failure is not None]


def test_only_what_can_be_measured_becomes_a_workload(tmp_path: Path) -> None:
    listener = Notes()
    names = [one.name for one in made(script(tmp_path, ALL), listener=listener)]
    assert names == ["pyperf:sum", "pyperf:counted", "pyperf:statement"]
    assert listener.notes[0].startswith("cleans up is skipped: it has a teardown")
    assert listener.notes[1].startswith("program is skipped: it starts a program (bench_command)")


@pytest.mark.parametrize("spec", ["2.7", "3", "3.13t"])
def test_benchmarks_run_on_several_threads(tmp_path: Path, spec: str) -> None:
    for workload in made(script(tmp_path, ALL), spec):
        runs = run(workload, spec, (1, 2))
        assert reasons(runs) == []
        assert all(slice_.operations for run in runs for slice_ in run.slices)


def test_an_inner_loop_is_an_operation(tmp_path: Path) -> None:
    (workload,) = made(script(tmp_path, ALL), patterns=("sum",))
    (one,) = run(workload)
    assert all(thread.total % 10 == 0 for slice_ in one.slices for thread in slice_.threads)


def test_time_that_a_time_function_leaves_out_does_not_count(tmp_path: Path) -> None:
    (workload,) = made(script(tmp_path, ALL), patterns=("counted",))
    (one,) = run(workload)
    for slice_ in one.slices:
        left_out = slice_.end - slice_.start - slice_.window
        assert left_out > 0.02 - slice_.operations * 1e-4  # one pause at least, less what the function counts


def test_coroutines_are_awaited(tmp_path: Path) -> None:
    text = (
        "import asyncio, pyperf\n"
        "async def work(n):\n    await asyncio.sleep(0)\n    assert n == 3\n"
        "pyperf.Runner().bench_async_func('work', work, 3)\n"
    )
    (workload,) = made(script(tmp_path, text))
    assert reasons(run(workload, threads=(1, 2))) == []


def test_each_thread_runs_the_script_itself_unless_the_namespace_is_shared(tmp_path: Path) -> None:
    (workload,) = made(script(tmp_path, OWN))
    assert reasons(run(workload, threads=(2,))) == []
    assert reasons(run(workload, threads=(2,), namespace="shared")) == [
        "RuntimeError: object of another thread"
    ]


@pytest.mark.parametrize("spec", ["2.7", "3"])
def test_what_a_script_removes_at_its_end_is_there_until_then(tmp_path: Path, spec: str) -> None:
    (workload,) = made(f"{script(tmp_path, CLEANS_UP)} {tmp_path}", spec)
    assert reasons(run(workload, spec)) == []
    assert not list(tmp_path.glob("data-*"))


def test_a_script_finds_its_own_modules_before_those_of_gilbench(tmp_path: Path) -> None:
    script(tmp_path, "def work():\n    pass\n", "train.py")
    (workload,) = made(
        script(tmp_path, "import pyperf, train\npyperf.Runner().bench_func('train', train.work)\n")
    )
    assert reasons(run(workload)) == []


def test_arguments_follow_the_script(tmp_path: Path) -> None:
    text = (
        "import pyperf\nrunner = pyperf.Runner()\nrunner.argparser.add_argument('--size', type=int, required=True)\n"
        "args = runner.parse_args()\nassert not args.worker\nrunner.bench_func('n%d' % args.size, len, 'x')\n"
    )
    path = script(tmp_path, text)
    assert [one.name for one in made(f"{path} --size 5")] == ["pyperf:n5"]
    with pytest.raises(UsageError, match=r"fails on 3.*: the script exited: 2 \(.*required: --size\)"):
        made(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import absent_module", "No module named 'absent_module'; install it: .* -m pip install absent_module"),
        ("import pyperf", "registers no benchmark; call bench_func"),
        ("x = (", "SyntaxError"),
        ("import pyperf\npyperf.Runner().bench_func('one', len, 'x', nonsense=1)", "unexpected keyword argument"),
        ("import pyperf\npyperf.Runner().bench_command('one', ['true'])", "no benchmark is left to measure"),
        ("import os\nos._exit(3)", "exit status 3"),
    ],
)  # fmt: skip
def test_a_script_that_cannot_be_used_is_told_in_a_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        made(script(tmp_path, text))
    assert "\n" not in str(error.value)


def test_a_benchmark_that_is_not_there_is_told_with_the_others(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--pyperf-benchmark counter: no such benchmark; use counted"):
        made(script(tmp_path, ALL), patterns=("counter",))


def test_a_time_function_that_returns_no_time_fails(tmp_path: Path) -> None:
    text = "import pyperf\npyperf.Runner().bench_time_func('wrong', lambda loops: 1e9)\n"
    (workload,) = made(script(tmp_path, text))
    (said,) = reasons(run(workload))
    assert said.startswith("ValueError: the time function returned 1000000000.0 after")


def test_a_script_that_changed_since_the_plan_is_not_measured(tmp_path: Path) -> None:
    (workload,) = made(script(tmp_path, OWN))
    script(tmp_path, f"{OWN}\n")
    (said,) = reasons(run(workload))
    assert said.endswith("bench.py changed since this study was planned")


def test_the_command_refuses_what_is_missing(tmp_path: Path) -> None:
    done = gilbench("run", "--pyperf", str(tmp_path / "absent.py"), "--python", "3")
    assert done.returncode == 2
    assert done.stderr.startswith(f"gilbench: --pyperf {tmp_path / 'absent.py'}: no such file; name a script")


def test_a_check_measures_the_benchmarks_of_a_script(tmp_path: Path) -> None:
    path = script(tmp_path, ALL)
    done = gilbench(
        *("check", "--python", "3", "--against", "3", "--pyperf", path, "--pyperf-benchmark", "sum"),
        *("--threads", "1", "--effort", "quick", "--format", "json", "-o", str(tmp_path / "study.jsonl")),
    )
    document = json.loads(done.stdout)
    assert {row["workload"] for row in document["comparisons"] if row["status"] != "summary"} == {
        "pyperf:sum"
    }
    assert done.returncode == document["exit_code"]
    assert document["failed"] == []


def test_a_check_of_saved_studies_measures_no_script(tmp_path: Path) -> None:
    done = gilbench("check", "a.jsonl", "--baseline", "b.jsonl", "--pyperf", "bench.py", cwd=tmp_path)
    assert done.returncode == 2
    assert "does not remeasure STUDY" in done.stderr
