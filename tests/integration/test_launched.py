"""Workers of real interpreters are started as they were named, and say what they run with."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from interpreters_fakes import program
from interpreters_fixture import interpreter, machine
from sessions import by_case, run_session

from gilbench.cli import run
from gilbench.interpreters import select
from gilbench.interpreters.find import own_executable
from gilbench.model.study import Workload
from gilbench.plan.axes import Axes
from gilbench.plan.catalogue import catalogue, read_declaration
from gilbench.store.study import read_study

OWN = str(own_executable())
COUNTDOWN = catalogue()["countdown"]
TOLD = '''"""Says what the interpreter was started with. Unit: words. Source: this test."""
import os
import sys

WORKLOAD = {"driver": "parallel", "family": "cpu", "unit": "words"}


def prepare(parameters):
    options = sorted(getattr(sys, "_xoptions", {}))
    return "%s %d %s" % (",".join(options), sys.flags.optimize, os.environ.get("GREETING"))


def operation(shared):
    total = 0
    for number in range(100):
        total += number
    return shared
'''


@pytest.fixture
def told(tmp_path: Path) -> Workload:
    path = tmp_path / "told.py"
    path.write_text(TOLD)
    return read_declaration(path, "cpu")


def checksums(workload: Workload, spec: str, **variables: str) -> set[str]:
    chosen = select([spec], environment=tuple(sorted(variables.items()))).interpreters
    found = by_case(*run_session([workload], chosen, Axes(threads=(1, 2))))
    return {slice_.checksum for one in found.values() for slice_ in one.slices}


def test_flags_of_a_wrapper_options_and_variables_reach_the_worker(tmp_path: Path, told: Workload) -> None:
    path = program(tmp_path / "py", f'GREETING=hello exec {OWN} -X tracemalloc=1 "$@"')
    assert checksums(told, str(path)) == {"tracemalloc 0 hello"}
    assert checksums(told, f"{path} -O -X greeting") == {"greeting,tracemalloc 1 hello"}
    assert checksums(told, f"{OWN} -OO", GREETING="x y") == {" 2 x y"}


@pytest.mark.parametrize("options", ["-I", "-E -s -S", "-B -u", "-W ignore"])
def test_workers_run_with_any_option(options: str, told: Workload) -> None:
    assert checksums(told, f"{OWN} {options}", GREETING="hello") == {" 0 hello"}


def test_a_wrapper_that_stays_in_front_is_measured_by_what_is_behind_it(tmp_path: Path) -> None:
    path = program(tmp_path / "py", f'{OWN} "$@"\nexit $?')
    chosen = select([str(path)]).interpreters
    delivery = catalogue()["delivery"]
    plan, runs = run_session([COUNTDOWN, delivery], chosen, Axes(threads=(1,)))
    for case, one in by_case(plan, runs).items():
        for slice_ in one.slices:
            assert slice_.cpu is not None
            if case.workload == COUNTDOWN.name:
                used = sum(thread.cpu or 0.0 for thread in slice_.threads)
                assert slice_.cpu > 0.5 * used > 0  # that of a shell that waits is 0
                assert len(slice_.cpus) == 1
            else:
                assert slice_.served


@pytest.mark.parametrize("spec", ["pypy3", "3.14"])
def test_a_jit_is_on_or_off_as_asked(spec: str) -> None:
    chosen = next((one for one in machine()[0] if one.build.jit_kind and one.name.startswith(spec)), None)
    if chosen is None:
        pytest.skip(f"no {spec} with a JIT")
    axes = Axes(threads=(1, 2), swept={"jit": (True, False)})
    found = by_case(*run_session([COUNTDOWN], [chosen], axes))
    assert {case.jit for case in found} == {True, False}
    for case, one in found.items():
        assert one.environment is not None
        assert one.environment.jit_enabled is case.jit


def test_pypy_without_its_jit_is_much_slower() -> None:
    axes = Axes(threads=(1,), swept={"jit": (True, False)})
    found = by_case(*run_session([COUNTDOWN], [interpreter("pypy3")], axes))
    on, off = (
        max(
            slice_.operations / slice_.window
            for case, one in found.items()
            if case.jit is jit
            for slice_ in one.slices
        )
        for jit in (True, False)
    )
    assert on > 3 * off


def test_a_mode_that_a_wrapper_overrides_is_a_failed_run(tmp_path: Path) -> None:
    path = program(tmp_path / "py", f'exec {interpreter("3.13t").executable} -X gil=1 "$@"')
    chosen = select([str(path)]).interpreters
    assert chosen[0].gil_enabled
    plan, runs = run_session([COUNTDOWN], chosen, Axes(threads=(1,), swept={"gil": (True, False)}))
    failures = {plan.cases[one.case].gil: one.failure for one in runs}
    assert failures[True] is None
    failure = failures[False]
    assert failure is not None
    assert failure.kind == "mode"
    assert failure.message.startswith("its GIL is on instead of off")


def test_a_check_compares_two_wrappers_of_one_interpreter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    slow = program(tmp_path / "py-slower", f'exec {OWN} -X tracemalloc=1 "$@"')
    plain = program(tmp_path / "py-a", f'exec {OWN} "$@"')
    answer, file = tmp_path / "check.json", tmp_path / "study.jsonl"
    chosen = ["--workload", "object_churn", "--threads", "1", "--effort", "quick", "--quiet"]
    sides = ["--python", str(slow), "--against", str(plain)]
    assert run(["check", *sides, *chosen, "-o", str(file), "-o", str(answer)]) == 1
    shown = capsys.readouterr().out
    version = ".".join(map(str, sys.version_info[:3]))
    assert f"{version} py-a: {plain}; CPython {version} at {os.path.realpath(OWN)}; GIL on" in shown
    assert f"{version} py-slower: {slow}; CPython {version} at {os.path.realpath(OWN)}; GIL on" in shown
    said = json.loads(answer.read_text())
    assert {row["interpreter"] for row in said["comparisons"] if row["status"] == "regressed"} >= {
        f"{version} py-slower"
    }
    assert [one["executable"] for one in said["interpreters"]] == [str(plain), str(slow)]


def test_a_study_says_how_its_interpreters_were_started_and_resumes_as_they_were(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    file = tmp_path / "study.jsonl"
    arguments = ["--workload", "countdown", "--threads", "1", "-o", str(file), "--quiet", "--full"]
    assert run(["run", "--python", OWN, "--python", f"{OWN} -O", "--env", "GREETING=hi", *arguments]) == 0
    shown = capsys.readouterr().out
    version = ".".join(map(str, sys.version_info[:3]))
    short = version.rpartition(".")[0]
    assert f"{short}: GREETING=hi {OWN}; CPython {version}" in shown
    assert f"{short} -O: GREETING=hi {OWN} -O; CPython {version}" in shown
    whole = read_study(file)
    assert [one.options for one in whole.header.interpreters] == [(), ("-O",)]
    assert {one.environment for one in whole.header.interpreters} == {(("GREETING", "hi"),)}
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-4]))
    again = ["run", "--resume", str(file), "--quiet"]
    assert run(again) == 2
    said = capsys.readouterr().err
    assert f"would start GREETING=hi {OWN}, GREETING=hi {OWN} -O, which" in said
    assert f"--python {OWN} --env GREETING=hi --python '{OWN} -O'; if" in said
    assert run([*again, "--python", f"{OWN} -O"]) == 2  # without the variable
    assert run([*again, "--env", "GREETING=other"]) == 2
    assert run([*again, "--env", "GREETING=hi"]) == 2  # the option is not allowed by that
    assert len(read_study(file).runs) == len(whole.runs) - 4
    capsys.readouterr()
    assert run([*again, "--env", "GREETING=hi", "--python", f"{OWN} -O"]) == 0
    assert read_study(file).header == whole.header
    assert len(read_study(file).runs) == len(whole.runs)
