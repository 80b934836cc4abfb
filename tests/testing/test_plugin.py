"""The pytest plugin in real test runs, each in a process of its own."""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from interpreters_fixture import absent

from gilbench.host.environment import find_tool
from gilbench.store.study import read_study

pytest_plugins = ["pytester"]

# A call that sleeps scales on any host; one under a lock of all threads does not.
MODULE = """
import threading, time

LOCK = threading.Lock()

def sleep(seconds=0.001):
    time.sleep(seconds)

def in_turn():
    with LOCK:
        time.sleep(0.001)

def fails():
    raise ValueError("bad luck")
"""


@pytest.fixture(autouse=True)
def module(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mine=MODULE)


def run(pytester: pytest.Pytester, tests: str, *arguments: str) -> pytest.RunResult:
    """Run tests with every warning as an error, as this repository does."""
    pytester.makepyfile(test_it=f"import pytest\nimport mine\n{tests}")
    return pytester.runpytest_subprocess("-W", "error", "--strict-markers", "-rs", *arguments)


def test_the_plugin_is_an_entry_point() -> None:
    (found,) = entry_points(group="pytest11", name="gilbench")
    assert found.value == "gilbench.testing.plugin"


def test_a_run_without_the_fixture_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys
        def test_nothing_heavy():
            assert "gilbench.testing.plugin" in sys.modules
            assert not {"numpy", "scipy", "rich", "msgspec", "psutil", "typer"} & set(sys.modules)
        """
    )
    done = pytester.runpytest_subprocess("-W", "error", "-p", "no:hypothesispytest")
    done.assert_outcomes(passed=1)
    assert "= gilbench =" not in done.stdout.str()


def test_workers_of_xdist_measure_in_turn_and_the_controller_reports(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    done = run(
        pytester,
        """
def test_sleep(gilbench): gilbench.scales(mine.sleep, 0.001, threads=2)
def test_lock(gilbench): gilbench.scales("mine:in_turn", threads=2)
""",
        *("-n", "2", "--gilbench-save", "study.jsonl", "--gilbench-report", "report.json"),
    )
    rows = {row["test"]: row for row in json.loads(Path("report.json").read_text("utf-8"))["rows"]}
    sleep, lock = rows["test_it.py::test_sleep"], rows["test_it.py::test_lock"]
    assert sleep["lo"] > lock["hi"]
    assert sleep["outcome"] in {"passed", "skipped"}  # skipped if others use the CPUs: the host gains nothing
    assert lock["outcome"] in {"failed", "skipped"}
    assert max(sleep["waited"], lock["waited"]) > 0.5
    cases = {(case.workload, case.threads) for case in read_study(Path("study.jsonl")).header.plan.cases}
    assert cases == {("test_it.test_sleep", 1), ("test_it.test_sleep", 2)} | {
        ("test_it.test_lock", 1),
        ("test_it.test_lock", 2),
    }
    said = done.stdout.str()
    assert "saved study.jsonl" in said
    if lock["outcome"] == "failed":
        assert done.ret == pytest.ExitCode.TESTS_FAILED
        done.stdout.re_match_lines(
            [r"mine:in_turn on \S+, 2 threads: speedup .+; at least 1\.\d+x is required .*"]
        )


def test_what_cannot_be_measured_fails_in_one_or_two_lines(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        """
def test_lambda(gilbench): gilbench.scales(lambda: 1)
def test_raises(gilbench): gilbench.scales(mine.fails)
def test_no_literal(gilbench): gilbench.releases_gil(mine.sleep, object())
def test_no_share(gilbench): gilbench.scales(mine.sleep, at_least=50)
def test_no_threads(gilbench): gilbench.scales(mine.sleep, threads=0)
def test_absent(gilbench): gilbench.releases_gil("mine:nothing")
""",
    )
    done.assert_outcomes(failed=6)
    said = done.stdout.str()
    for words in (
        "a worker process cannot import test_it:test_lambda.<locals>.<lambda>",
        "ValueError raised: bad luck (mine.py:13, in fails)",
        "argument 1 cannot be passed to a worker process",
        "at_least=50 is not a share",
        "threads=0 is not a number of threads",
        "mine has no nothing",
    ):
        assert words in said
    assert "Traceback" not in said
    assert "gilbench/work" not in said


def test_the_marker_repeats_a_test_and_an_absent_interpreter_skips_it(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        """
@pytest.mark.gilbench(threads=[1, 2], python=["3.99"])
def test_call(gilbench):
    assert (gilbench.threads in {1, 2}, gilbench.python) == (True, "3.99")
    gilbench.scales(mine.sleep)

def test_default(gilbench): assert (gilbench.threads, gilbench.python) == (4, None)
""",
        "-v",
    )
    done.assert_outcomes(passed=1, skipped=2)
    said = done.stdout.str()
    assert "test_call[3.99-1]" in said
    assert "test_call[3.99-2]" in said
    assert "no interpreter matches '3.99'" in said


def test_one_thread_is_measured_and_not_judged(pytester: pytest.Pytester) -> None:
    tests = "@pytest.mark.gilbench(threads=1)\ndef test_call(gilbench): gilbench.scales(mine.sleep)"
    done = run(pytester, tests, "--gilbench-report", "report.csv")
    done.assert_outcomes(passed=1)
    head, row = Path("report.csv").read_text("utf-8").splitlines()
    values = dict(zip(head.split(","), row.split(","), strict=False))
    assert (values["outcome"], values["threads"], values["value"]) == ("measured", "1", "")
    assert float(values["seconds"]) > 0.001


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("@pytest.mark.gilbench(threads=[0])\ndef test(gilbench): pass", "0 is not a number of threads"),
        ("@pytest.mark.gilbench(thread=2)\ndef test(gilbench): pass", "unknown argument thread"),
        ("@pytest.mark.gilbench(python=3.13)\ndef test(gilbench): pass", "3.13 is not a text"),
        ("@pytest.mark.gilbench(threads=[])\ndef test(gilbench): pass", "a list is empty"),
        ("@pytest.mark.gilbench(threads=2)\ndef test(): pass", "the marker gilbench needs the fixture"),
    ],
)
def test_a_wrong_marker_is_an_error_of_collection(pytester: pytest.Pytester, test: str, words: str) -> None:
    pytester.makepyfile(f"import pytest\n{test}")
    done = pytester.runpytest("--collect-only", "--strict-markers")
    assert done.ret == pytest.ExitCode.INTERRUPTED
    assert words in done.stdout.str()


def test_a_wrong_file_is_wrong_use(pytester: pytest.Pytester) -> None:
    done = run(pytester, "def test(): pass", "--gilbench-report", "report.pdf")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "end it in .json" in done.stderr.str()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="CPU affinity cannot be set here")
def test_one_cpu_skips_with_the_reason(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="import mine\ndef test_it(gilbench): gilbench.scales(mine.sleep)")
    one = str(min(os.sched_getaffinity(0)))
    done = pytester.run("taskset", "-c", one, sys.executable, "-m", "pytest", "-rs")
    done.assert_outcomes(skipped=1)
    assert "mine:sleep on this host, 4 threads: only one core is available" in done.stdout.str()


def test_without_a_gil_there_is_nothing_to_release(pytester: pytest.Pytester) -> None:
    tests = "@pytest.mark.gilbench(python='3.13t')\ndef test_it(gilbench): gilbench.releases_gil(mine.sleep, 0.001)"
    done = run(pytester, tests)
    if "no interpreter matches" in done.stdout.str():
        absent("no interpreter matches '3.13t'")
    done.assert_outcomes(skipped=1)
    assert "mine:sleep on 3.13t: there is no GIL" in done.stdout.str()


def test_a_block_is_profiled_in_the_process_of_the_test(pytester: pytest.Pytester) -> None:
    done = run(
        pytester,
        """
import threading
from gilbench.model.errors import UsageError

def spin(turns=4_000_000):
    while turns: turns -= 1

def test_spin(gilbench):
    crew = [threading.Thread(target=spin) for _ in range(2)]
    with gilbench.profile() as profile:
        with pytest.raises(UsageError, match="complete only after"):
            profile.gil_wait
        for thread in crew: thread.start()
        for thread in crew: thread.join()
    assert profile.gil_wait > 0.3
    assert profile.gil_held > 0.3
    assert len(profile.threads) >= 3
    assert profile.result.duration < 20
    with pytest.raises(AttributeError, match="wait_share"):
        profile.nothing

def test_error(gilbench):
    with pytest.raises(ZeroDivisionError), gilbench.profile():
        1 / 0

def test_killed(gilbench):
    import psutil
    with gilbench.profile():
        for child in psutil.Process().children(): child.kill()
""",
    )
    outcomes = done.parseoutcomes()
    if outcomes.get("skipped"):
        absent("this process may not be observed")
    assert outcomes == {"passed": 2, "failed": 1}
    said = done.stdout.str()
    assert "profile: GIL wait of all threads" in said
    assert "cannot profile this process: the profiler ended by SIGKILL" in said


def test_a_process_without_capabilities_is_profiled_by_sampling(pytester: pytest.Pytester) -> None:
    if os.geteuid() != 0 or find_tool("setpriv") is None:
        absent("capabilities can be dropped only by root, with setpriv")
    pytester.makepyfile(
        test_it="""
import threading

def spin(turns=6_000_000):
    while turns: turns -= 1

def test_it(gilbench):
    crew = [threading.Thread(target=spin) for _ in range(2)]
    with gilbench.profile() as profile:
        for thread in crew: thread.start()
        for thread in crew: thread.join()
    assert profile.result.probe.strength == "sampled"
    assert profile.gil_held > 0.2
"""
    )
    without = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--ambient-caps", "-all")
    done = pytester.run(*without, sys.executable, "-m", "pytest", "-rs")
    done.assert_outcomes(passed=1)
