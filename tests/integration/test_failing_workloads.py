from __future__ import annotations

import contextlib
import os
import textwrap
from pathlib import Path

import psutil
import pytest
from interpreters_fixture import interpreter
from sessions import run_session

from gilbench.model.study import Failure, Run
from gilbench.plan.axes import Axes
from gilbench.plan.catalogue import catalogue, read_declaration

GOOD = catalogue()["countdown"]
START = 'WORKLOAD = {"driver": "parallel", "unit": "operations"}\n'
LATER = "def operation(local):\n    calls[0] += 1\n    if calls[0] == 5000:\n"
CALLS = "import os\nimport signal\nimport sys\nimport threading\nimport time\ncalls = [0]\n"


def failing(
    folder: Path, body: str, *, name: str = "failing", threads: int = 1
) -> tuple[Failure | None, list[Run]]:
    """Run a workload beside a good one; its failure, and the runs of the good one."""
    path = folder / f"{name}.py"
    path.write_text(f'"""A workload that fails."""\n{CALLS}{START}{textwrap.dedent(body)}')
    bad = read_declaration(path)
    plan, runs = run_session([bad, GOOD], [interpreter("3.11")], Axes(threads=(threads,)))
    mine = [run for run in runs if plan.cases[run.case].workload == name]
    assert len(mine) == 1
    return mine[0].failure, [run for run in runs if plan.cases[run.case].workload == GOOD.name]


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ("def operation(local):\n    os.abort()", "crash", "SIGABRT"),
        ("def operation(local):\n    os.kill(os.getpid(), signal.SIGKILL)", "crash", "SIGKILL"),
        ("def operation(local):\n    os._exit(3)", "exit", "status 3"),
        ("def operation(local):\n    sys.exit(4)", "exit", "status 4"),
        (
            "def prepare(parameters):\n    raise ValueError('bad luck')\n\ndef operation(local):\n    return 1",
            "workload",
            "bad luck",
        ),
        (
            "import nothing_of_this_name\n\ndef operation(local):\n    return 1",
            "unsupported",
            "nothing_of_this_name",
        ),
        ("def operation(local):\n    calls[0] += 1\n    return calls[0] > 5000", "checksum", "instead of"),
        (
            "def operation(local):\n    os.closerange(3, 256)\n    time.sleep(0.001)",
            "protocol|exit|crash",
            "",
        ),
        (
            f"{LATER}        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
            "threads",
            "1 thread",
        ),
        (
            f"import _thread\n\n{LATER}        _thread.start_new_thread(time.sleep, (60,))",
            "threads",
            "1 thread",
        ),
    ],
    ids=lambda value: value if len(str(value)) < 20 else "",
)
def test_a_workload_that_fails_says_how_and_the_others_go_on(
    tmp_path: Path, body: str, kind: str, words: str
) -> None:
    failure, others = failing(tmp_path, body)
    assert failure is not None
    assert failure.kind in kind.split("|"), failure
    assert words in failure.message
    assert [run.failure for run in others] == [None]


def test_one_thread_of_two_with_a_wrong_result_fails_the_run(tmp_path: Path) -> None:
    body = """
        def local(shared, index):
            return index

        def operation(index):
            calls[0] += 1
            return 7 if index == 1 and calls[0] > 3000 else 1
        """
    failure, _ = failing(tmp_path, body, threads=2)
    assert failure is not None
    assert (failure.kind, "7 instead of 1" in failure.message) == ("checksum", True)


def test_a_workload_that_hangs_is_ended_after_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gilbench.run.worker.SLICE_LIMIT", 0.5)
    # Operations of 1 ms: the calibration has a few of them, and the slices have sixty.
    body = "def operation(local):\n    calls[0] += 1\n    time.sleep(0.001 if calls[0] <= 30 else 3600)"
    failure, others = failing(tmp_path, body)
    assert failure is not None
    assert failure.kind == "timeout"
    assert [run.failure for run in others] == [None]


def test_what_a_workload_prints_does_no_harm_and_is_kept_for_a_failure(tmp_path: Path) -> None:
    body = """
        def operation(local):
            print('{"ok": {"loops": "rubbish"}}')
            sys.stderr.write("my last words\\n")
            calls[0] += 1
            return calls[0] > 50
        """
    failure, _ = failing(tmp_path, body)
    assert failure is not None
    assert failure.kind == "checksum"
    assert "my last words" in failure.output


def test_rubbish_where_answers_are_due_is_a_protocol_failure(tmp_path: Path) -> None:
    body = """
        def operation(local):
            for number in os.listdir("/proc/self/fd"):
                try:
                    if int(number) > 2:
                        os.write(int(number), b"\\x00 rubbish\\n")
                except OSError:
                    pass
        """
    failure, _ = failing(tmp_path, body)
    assert failure is not None
    assert failure.kind == "protocol"


def test_a_child_that_a_workload_leaves_behind_is_ended(tmp_path: Path) -> None:
    left = tmp_path / "pid"
    body = f"""
        def prepare(parameters):
            pid = os.fork()
            if pid == 0:
                time.sleep(3600)
            open({str(left)!r}, "w").write(str(pid))

        def operation(local):
            return 1
        """
    failure, _ = failing(tmp_path, body)
    assert failure is None
    with contextlib.suppress(psutil.NoSuchProcess):  # the kernel may take a moment to carry it out
        psutil.Process(int(left.read_text())).wait(5)


def test_nothing_runs_on_after_a_session() -> None:
    assert [
        child
        for child in psutil.Process(os.getpid()).children(recursive=True)
        if "worker.py" in child.cmdline()
    ] == []
