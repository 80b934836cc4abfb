"""The command line: what is wrong is said in a line or two, with exit code 2, and nothing is written over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from interpreters_fakes import answering, make_interpreter
from studies import everything, header_line, make_slice, save

from gilbench import __version__
from gilbench.cli import EXIT_INTERNAL, SHOW_TRACEBACK, run
from gilbench.interpreters.names import name_all
from gilbench.interpreters.select import select
from gilbench.model.study import Case, Failure, Header, Interpreter, Plan, Run, Study, Workload
from gilbench.plan.blocks import EFFORTS, make_plan
from gilbench.plan.catalogue import catalogue
from gilbench.run.session import Hooks
from gilbench.store.study import read_study
from gilbench.work import measure as measuring

MACHINE = name_all((make_interpreter("3.13.5"), make_interpreter("3.13.5", free_threaded=True)))
# What an interpreter says of itself that ``answering`` writes.
LIKE_ASKED = {
    "jit": False,
    "debug": False,
    "pgo": False,
    "lto": False,
    "optimisation": "-O3",
    "libpython": "static",
    "compiler": "GCC 12.2.0",
    "machine": "x86_64",
}
LINES = 2  # in which an error is to be said

Refused = Callable[..., str]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with two interpreters that are never started, and a folder that is the current one."""
    module = sys.modules[select.__module__]
    monkeypatch.setattr(module, "find_all", lambda **_: (MACHINE, ()))
    monkeypatch.setattr(module, "own_executable", lambda: Path(MACHINE[0].executable))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], machine: Path) -> Refused:
    """Run a command that has to be refused, and return what is said."""

    def command(*argv: str, leaves: Sequence[str] = ()) -> str:
        assert run(argv) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("gilbench: ")
        assert 1 <= len(said.err.splitlines()) <= LINES
        assert "Traceback" not in said.err
        assert sorted(path.name for path in machine.iterdir()) == sorted(leaves)
        return said.err

    return command


# --- wrong choices --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--workload", "quicksort"], "no workload matches 'quicksort'; see: gilbench workloads list"),
        (["--workload", "[red]x"], "no workload matches '[red]x'"),
        (["--family", "gpu"], "unknown family 'gpu'; use cpu, "),
        (["--effort", "lazy"], "unknown effort 'lazy'; use quick, standard, rigorous"),
        (["--observe", "cpu,tea"], "unknown observer 'tea'; use cpu, gil, stacks, syscalls"),
        (["--threads", "0"], "--threads: '0' is not a thread count; use for example 1,2,4"),
        (["--threads", "x"], "--threads: 'x' is not a thread count"),
        (["--threads", "1,,2"], "--threads: '' is not a thread count"),
        (["--threads", "-1"], "--threads: '-1' is not a thread count"),
        (["--threads", "9999"], "9999 threads are too many; use at most 512"),
        (["--threads", "9" * 5000], "is not a thread count"),
        (["--jit", "maybe"], "--jit: 'maybe' is neither on nor off"),
        (["--jit", "on"], "--jit needs a JIT that can be switched"),
        (["--env", "A"], "--env: 'A' is not a variable; use NAME=VALUE"),
        (["--python", "3.13 -c pass"], "'-c' is no option of an interpreter; use -X"),
        (["--python", "3.13", "--reference", "3.13 -i"], "'-i' is no option"),
        (["--seed", "one"], "'--seed'"),
        (["--seed"], "--seed"),
        (["--format", "xml"], "xml"),
        (["--nonsense"], "--nonsense"),
        (["extra"], "extra"),
        (["--python", "9.9"], "9.9"),
        (["--python", "/nowhere/python"], "/nowhere/python"),
        (["--python", "3.13", "--reference", "9.9"], "9.9"),
    ],
)
def test_a_wrong_choice_is_refused_with_what_there_is(refused: Refused, argv: list[str], said: str) -> None:
    assert said in refused("run", *argv)


@pytest.mark.parametrize("argv", [["nonsense"], ["--nonsense"], ["report"], ["report", "-x"]])
def test_a_wrong_command_is_refused_with_where_help_is(refused: Refused, argv: list[str]) -> None:
    assert "--help" in refused(*argv)


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    shown = capsys.readouterr()
    assert "report" in shown.out + shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["run", "--help"], ["report", "-h"]])
def test_help_is_no_error(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(argv) == 0
    shown = capsys.readouterr()
    assert "Usage" in shown.out
    assert not shown.err


# --- output ---------------------------------------------------------------------------------------------


def test_an_existing_file_is_not_written_over(refused: Refused, machine: Path) -> None:
    (machine / "mine.jsonl").write_text("precious")
    assert "mine.jsonl exists" in refused("run", "-o", "mine.jsonl", "--quiet", leaves=["mine.jsonl"])
    assert (machine / "mine.jsonl").read_text() == "precious"


@pytest.mark.parametrize("place", ["file/study.jsonl", "/proc/nothing/study.jsonl", "."])
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_run(
    refused: Refused, machine: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def must_not(*_: object, **__: object) -> None:
        pytest.fail("it was run")

    monkeypatch.setattr(measuring, "run_plan", must_not)
    (machine / "file").write_text("no folder")
    assert place.removeprefix("./") in refused("run", "--quiet", "-o", place, leaves=["file"])


@pytest.mark.parametrize(
    "choice",
    [
        ["--family", "cpu"],
        ["--threads", "4"],
        ["--jit", "on"],
        ["--profile", "standard"],
        ["--reference", "3.13"],
        ["--observe", "stacks"],
        ["--seed", "0"],
        ["-o", "other.jsonl"],
        ["--dry-run"],
    ],
)
def test_going_on_takes_no_other_choice(refused: Refused, machine: Path, choice: list[str]) -> None:
    path = save(everything().study(), machine / "study.jsonl")
    before = path.read_bytes()
    said = refused("run", "--resume", "study.jsonl", *choice, leaves=["study.jsonl"])
    assert "--resume reuses the study's plan" in said
    assert path.read_bytes() == before


def study_of(*interpreters: Interpreter, workload: Workload, path: Path) -> Path:
    case = Case(workload=workload.name, interpreter=interpreters[0].name, threads=1)
    plan = make_plan(
        [case],
        effort=EFFORTS["quick"],
        interpreters=interpreters,
        workloads=[workload],
        reference=interpreters[0].name,
        seed=1,
    )
    header = everything().study().header
    header = msgspec.structs.replace(header, plan=plan, interpreters=interpreters, workloads=(workload,))
    return save(Study(header=header, runs=()), path)


@pytest.fixture
def resumed(monkeypatch: pytest.MonkeyPatch) -> list[Header]:
    """The headers of what would be measured."""
    headers: list[Header] = []

    def measured(header: Header, path: Path, *_: object, **__: object) -> measuring.Measured:
        headers.append(header)
        return measuring.Measured(read_study(path), path, interrupted=False)

    monkeypatch.setattr(measuring, "run_study", measured)
    return headers


def test_going_on_starts_no_interpreter_that_only_the_file_names(
    refused: Refused, machine: Path, tmp_path_factory: pytest.TempPathFactory, resumed: list[Header]
) -> None:
    folder = tmp_path_factory.mktemp("elsewhere")
    trap = answering(folder / "python3.13")
    trap.write_text(trap.read_text().replace("cat", f"touch {folder}/started\ncat"))
    found = make_interpreter("3.13.5", executable=str(trap), **LIKE_ASKED)
    study_of(found, workload=catalogue()["countdown"], path=machine / "study.jsonl")
    said = refused("run", "--resume", "study.jsonl", leaves=["study.jsonl"])
    assert f"would start {trap}" in said
    assert f"--python {trap}" in said
    assert "--trust-file" in said
    assert not (folder / "started").exists()
    assert not resumed
    other = answering(folder / "python3.12")
    said = refused("run", "--resume", "study.jsonl", "--python", str(other), leaves=["study.jsonl"])
    assert f"{other} is not in study.jsonl" in said
    for allowing in (["--python", str(trap)], ["--trust-file"]):
        assert run(["run", "--resume", "study.jsonl", *allowing, "--quiet"]) == 0
        assert resumed.pop().interpreters[0].executable == str(trap)


@pytest.mark.parametrize("name", ["countdown", "mine"])
def test_going_on_starts_no_workload_that_only_the_file_names(
    refused: Refused,
    machine: Path,
    tmp_path_factory: pytest.TempPathFactory,
    resumed: list[Header],
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path_factory.mktemp("elsewhere")
    here = answering(folder / "python3.13")
    monkeypatch.setenv("PATH", str(folder))
    original = catalogue()["countdown"]
    copy = folder / f"{name}.py"
    copy.write_bytes(Path(original.path).read_bytes())
    named = msgspec.structs.replace(original, name=name, path=str(copy))
    found = make_interpreter("3.13.5", executable=str(here), **LIKE_ASKED)
    study_of(found, workload=named, path=machine / "study.jsonl")
    if name == "countdown":  # as the catalogue has it, wherever the file says it lies
        assert run(["run", "--resume", "study.jsonl", "--quiet"]) == 0
        assert resumed.pop().workloads[0].path == original.path
        return
    said = refused("run", "--resume", "study.jsonl", leaves=["study.jsonl"])
    assert f"--workload {copy}" in said
    assert not resumed
    said = refused("run", "--resume", "study.jsonl", "--workload", "sha256", leaves=["study.jsonl"])
    assert "sha256 is not in study.jsonl" in said
    for allowing in (["--workload", str(copy)], ["--trust-file"]):
        assert run(["run", "--resume", "study.jsonl", *allowing, "--quiet"]) == 0
        assert resumed.pop().workloads[0].path == str(copy)


def test_a_file_is_trusted_only_to_go_on_with_it(refused: Refused) -> None:
    assert "--trust-file needs --resume" in refused("run", "--trust-file")


def test_going_on_with_a_workload_that_has_changed_is_refused(refused: Refused, machine: Path) -> None:
    path = save(everything().study(), machine / "study.jsonl")
    before = path.read_bytes()
    assert "workload countdown changed" in refused("run", "--resume", "study.jsonl", leaves=["study.jsonl"])
    assert path.read_bytes() == before


# --- unreadable studies ---------------------------------------------------------------------------------

UNREADABLE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "binary": (bytes(range(256)), "is not a study"),
    "text": (b"Dear reader,\n", "is not a study"),
    "cut": (header_line()[:200], "truncated"),
    "newer": (header_line(schema=99, gilbench="9.0\x1b[31m"), "schema 99"),
    "damaged": (header_line() + b"{\n", "line 2 is damaged"),
    "incomplete": (header_line(plan=None), "line 1 is damaged"),
    "deep": (b"[" * 100_000 + b"\n", "is not a study"),
}


@pytest.mark.parametrize("command", [("report",), ("run", "--resume")])
@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_study_that_cannot_be_read_is_refused_and_left_as_it_is(
    refused: Refused, machine: Path, kind: str, command: tuple[str, ...]
) -> None:
    content, said = UNREADABLE[kind]
    (machine / "study").write_bytes(content)
    told = refused(*command, "study", leaves=["study"])
    assert said in told
    assert "\x1b" not in told
    assert (machine / "study").read_bytes() == content


def test_a_file_that_report_cannot_open_is_said_to_be_none_of_those_that_it_opens(
    refused: Refused, machine: Path
) -> None:
    (machine / "letter").write_text("Dear reader,\n")
    assert "is not a study, profile, scorecard, or check" in refused("report", "letter", leaves=["letter"])


@pytest.mark.parametrize("command", [("report",), ("run", "--resume")])
@pytest.mark.parametrize("path", ["absent", "."])
def test_a_study_that_is_not_there_is_refused(refused: Refused, path: str, command: tuple[str, ...]) -> None:
    assert f"cannot read {path}: " in refused(*command, path)


def test_no_traceback_reaches_a_user_of_the_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gilbench", "report", str(tmp_path / "absent")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (f"gilbench: cannot read {tmp_path / 'absent'}: No such file or directory\n")


def test_the_version_is_told() -> None:
    command = [sys.executable, "-m", "gilbench", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"gilbench {__version__}\n"


# --- a report -------------------------------------------------------------------------------------------

FLAT = "workload family interpreter threads metric unit better value lo hi blocks"


def test_a_program_reads_a_report_as_one_object(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(everything().study(), machine / "study.jsonl")
    assert run(["report", "study.jsonl", "--format", "json"]) == 0
    said = capsys.readouterr()
    assert not said.err
    document = json.loads(said.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert {"schema", "host", "interpreters", "cells", "findings", "warnings"} <= document.keys()
    assert document["schema"] == 1
    assert document["host"]["cores"] == 2
    assert [one["name"] for one in document["interpreters"]] == ["3.11", "3.13t", "pypy3.9"]
    for cell in document["cells"]:
        assert set(FLAT.split()) <= cell.keys()
        assert not [name for name, value in cell.items() if isinstance(value, dict) and name != "parameters"]
    metrics = {cell["metric"] for cell in document["cells"]}
    asked = "throughput speedup efficiency latency_p50 latency_p99 latency_max delivered cpu_utilisation "
    asked += "voluntary_switches involuntary_switches gil_held"
    assert set(asked.split()) <= metrics
    never = [cell for cell in document["cells"] if cell["metric"] == "latency_max" and cell["value"] is None]
    assert {cell["interpreter"] for cell in never} == {"3.11", "pypy3.9"}
    assert document["findings"][0]["text"]
    assert document["failures"][0]["kind"] == "crash"


def test_a_report_for_people_is_the_same_on_a_pipe_and_has_no_escape_sequence(machine: Path) -> None:
    save(everything().study(), machine / "study.jsonl")
    command = [sys.executable, "-m", "gilbench", "report", "study.jsonl"]
    known = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run(
        command, capture_output=True, check=True, timeout=60, cwd=machine, env={**known, "COLUMNS": "80"}
    )
    text = done.stdout.decode()
    assert "\x1b" not in text
    assert "Findings" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_torn_study_is_reported_with_a_warning(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(everything().study(), machine / "study.jsonl")
    path.write_bytes(path.read_bytes()[:-20])
    assert run(["report", "study.jsonl"]) == 0
    assert "the last line of study.jsonl is truncated" in capsys.readouterr().out


# --- a run ----------------------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing_and_shows_the_plan(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [
        "run",
        "--dry-run",
        "--workload",
        "countdown",
        "--threads",
        "1,2",
        "--seed",
        "5",
        "--format",
        "json",
    ]
    assert run(argv) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["plan"]["seed"] == 5
    assert {(case["interpreter"], case["threads"]) for case in document["plan"]["cases"]} == {
        (name, threads) for name in ("3.13", "3.13t") for threads in (1, 2)
    }
    assert not list(machine.iterdir())


def pretend(failure: Failure | None) -> Callable[..., None]:
    """A session in which every run is done at once; one of them with such a failure."""

    def run_plan(plan: Plan, _interpreters: Any, _workloads: Any, hooks: Hooks, **_: Any) -> None:
        for block in range(plan.effort.blocks):
            for case in range(len(plan.cases)):
                failed = failure if (block, case) == (0, 0) else None
                threads = plan.cases[case].threads
                rates = () if failed else (1000.0 + block, 1000.0 - block)
                slices = tuple(make_slice(turn, rate, threads=threads) for turn, rate in enumerate(rates))
                hooks.save(Run(case=case, block=block, attempt=0, slices=slices, failure=failed))

    return run_plan


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (None, 0),
        (Failure(kind="crash", message="ended by SIGSEGV"), 4),
        (Failure(kind="unsupported", message="it has no ssl"), 0),
    ],
)
def test_the_exit_code_says_whether_runs_failed_and_the_study_is_saved(
    machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    failure: Failure | None,
    code: int,
) -> None:
    monkeypatch.setattr(measuring, "run_plan", pretend(failure))
    assert run(["run", "--workload", "countdown", "--threads", "1,2", "-o", "study.jsonl", "--quiet"]) == code
    shown = capsys.readouterr().out
    assert "Overview" in shown
    assert ("Failed runs" in shown) is (failure is not None)
    assert "gilbench report study.jsonl" in shown
    assert "Scaling, cpu" not in shown
    assert run(["report", "study.jsonl"]) == 0
    whole = capsys.readouterr().out
    assert "Scaling, cpu" in whole
    assert ("Failed runs" in whole) is (failure is not None)
    assert [path.name for path in machine.iterdir()] == ["study.jsonl"]


def test_a_run_is_saved_under_reports_unless_it_is_told_where(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measuring, "run_plan", pretend(None))
    assert run(["run", "--workload", "countdown", "--threads", "1"]) == 0
    (path,) = (machine / "reports").iterdir()
    assert path.suffix == ".jsonl"
    assert path.name in capsys.readouterr().err


def test_a_full_run_shows_what_report_shows(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measuring, "run_plan", pretend(None))
    what = ("run", "--workload", "countdown", "--threads", "1,2", "-q")
    assert run([*what, "-o", "study.jsonl", "-o", "study.txt", "--full"]) == 0
    shown = capsys.readouterr().out
    assert run(["report", "study.jsonl"]) == 0
    assert shown == capsys.readouterr().out == machine.joinpath("study.txt").read_text("utf-8")


def test_an_interrupt_ends_with_130_and_says_how_to_go_on(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run_plan(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)  # asks for the end of the slice
        signal.raise_signal(signal.SIGINT)  # ends everything

    monkeypatch.setattr(measuring, "run_plan", run_plan)
    assert run(["run", "--workload", "countdown", "--threads", "1", "-o", "study.jsonl"]) == 130
    assert "gilbench run --resume study.jsonl" in capsys.readouterr().err
    assert (machine / "study.jsonl").exists()


# --- a fault of gilbench itself -------------------------------------------------------------------------


@pytest.fixture
def broken(machine: Path, monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    """A command that ends in an exception that nobody expected."""

    def fail(*_: object) -> None:
        raise KeyError("a bug\nof two lines")

    monkeypatch.setattr("gilbench.work.read.build_report", fail)
    monkeypatch.setenv("XDG_STATE_HOME", str(machine / "state"))
    monkeypatch.delenv(SHOW_TRACEBACK, raising=False)
    return ("report", str(save(everything().study(), machine / "study.jsonl")))


def test_an_internal_error_is_one_line_with_an_exit_code_of_its_own(
    broken: Sequence[str], machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(broken) == EXIT_INTERNAL == 70
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert said.startswith("gilbench: internal error: KeyError: ")
    kept = machine / "state" / "gilbench" / "traceback.txt"
    assert f"report it with {kept}" in said
    assert kept.read_text().startswith("Traceback")


def test_an_internal_error_shows_its_traceback_where_that_is_asked_for(
    broken: Sequence[str], machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(SHOW_TRACEBACK, "1")
    assert run(broken) == EXIT_INTERNAL
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first.startswith("Traceback")
    assert last.startswith("gilbench: internal error: ")
    assert not (machine / "state").exists()


def test_an_internal_error_needs_no_folder_that_can_be_written(
    broken: Sequence[str], machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (machine / "state").write_text("no folder")
    assert run(broken) == EXIT_INTERNAL
    assert f"{SHOW_TRACEBACK}=1" in capsys.readouterr().err
