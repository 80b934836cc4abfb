"""Instructions by function of both sides of a regression, on real interpreters."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from interpreters_fixture import absent, interpreter

from gilbench.analyse.explain.causes import explain
from gilbench.model.study import Case, Workload
from gilbench.observe import function_counts
from gilbench.observe.instructions import Choice
from gilbench.plan.catalogue import read_declaration
from gilbench.run.function_counts import FunctionCounts, count_functions

ROOT = Path(__file__).parent / "programs" / "slower"
SLOW = read_declaration(ROOT / "workloads" / "slow_function.py", "cpu")


def counted(spec: str, workload: Workload = SLOW, *, stop: bool = False) -> FunctionCounts:
    """The counts of the old library and of the new one, in which splitting is slower."""
    if shutil.which("valgrind") is None:
        absent("valgrind is not installed")
    one = interpreter(spec)
    sides = {
        name: msgspec.structs.replace(one, name=name, environment=(("PYTHONPATH", str(ROOT / name)),))
        for name in ("old", "new")
    }
    old, new = (Case(workload=workload.name, interpreter=name, threads=2) for name in sides)
    return count_functions((old, new), sides, {workload.name: workload}, lambda: stop)


def only(side: dict[str, float], function: str) -> float:
    return next((count for name, count in side.items() if name.startswith(f"{function} (parsing.py")), 0.0)


@pytest.fixture(scope="module")
def functions() -> FunctionCounts:
    """The counts by Python function, of three hash seeds."""
    return counted("3.12")


def test_the_function_that_got_slower_executes_more_and_the_others_do_not(functions: FunctionCounts) -> None:
    assert functions.missing is None
    assert len(functions.sides) == 3
    for before, after in functions.sides:
        assert only(after, "split") > 2 * only(before, "split") > 0
        assert only(after, "convert") == pytest.approx(only(before, "convert"), rel=0.02)
        for side in (before, after):
            # Nothing is left out: an operation is one of Python functions only.
            assert sum(side.values()) - side[""] == pytest.approx(side[""], rel=1e-3)


def test_more_instructions_are_a_cause_where_no_time_was_observed(functions: FunctionCounts) -> None:
    case = Case(workload=SLOW.name, interpreter="new", threads=1)
    found = explain(case, [], threshold=0.02, fdr=0.05, counts=functions.sides)
    (cause,) = found.causes
    assert cause.kind == "function"
    assert cause.text.startswith("split (parsing.py) executes more instructions: ")
    assert cause.share > 0.8
    changed = {change.subject for change in found.changes}
    assert changed >= {"", "split (parsing.py)"}
    assert not any("gilbench/target" in name for name in changed)


@pytest.mark.parametrize("spec", ["3.12", "3.13t", "3.14"])
def test_a_count_that_is_killed_leaves_no_file_where_cpython_writes_names(spec: str, tmp_path: Path) -> None:
    workload = tmp_path / "waiting.py"
    workload.write_text(
        "import time\n\ndef wait():\n    print('ready', flush=True)\n    time.sleep(60)\n\nwait()\n"
    )
    script = ROOT.parents[3] / "gilbench/target/counted_functions.py"
    command = [*interpreter(spec).command, str(script), str(tmp_path / "names"), str(tmp_path / "answer")]
    with subprocess.Popen([*command, str(workload), "1"], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            assert not Path(f"/tmp/perf-{process.pid}.map").exists()  # noqa: S108 - where CPython writes them
        finally:
            process.kill()


def test_functions_of_older_versions_are_those_in_c_and_counts_end_where_they_are_stopped() -> None:
    ((before, after),) = counted("3.11", stop=True).sides
    assert any(name.startswith("_PyEval_EvalFrame") for name in after)
    assert after[""] > 2 * before[""]
    assert not only(after, "split")


def test_what_is_not_counted_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "compiles code" in str(counted("pypy3").missing)
    server = msgspec.structs.replace(SLOW, driver="server")
    assert "repeat one operation" in str(counted("3.12", server).missing)
    broken = msgspec.structs.replace(SLOW, path=str(ROOT / "nothing.py"))
    assert "nothing.py" in str(counted("3.12", broken).missing)
    monkeypatch.setattr(function_counts, "choose", lambda _tools: Choice(None, "valgrind: not found in PATH"))
    assert counted("3.12").missing == "valgrind: not found in PATH"
