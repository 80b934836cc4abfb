"""Planted causes: the old and the new version of five small libraries, of which each is slower for another reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from commands import gilbench
from interpreters_fakes import program
from interpreters_fixture import absent, interpreter

from gilbench.cli import run
from gilbench.model.explanation import Explanation
from gilbench.model.results import Check
from gilbench.model.study import Case
from gilbench.observe.bpftrace_access import why_not
from gilbench.plan.blocks import EXPLAINING
from gilbench.plan.catalogue import read_declaration
from gilbench.work.explain import explain_regressions
from gilbench.work.listener import SILENT
from gilbench.work.planning import describe_study
from gilbench.work.read import read

ROOT = Path(__file__).parent / "programs" / "slower"
FIRST = "slow_function"
CAUSES = {
    FIRST: ("function", "split (parsing.py:"),
    "new_lock": ("lock", "fingerprint (caching.py:"),
    "held_gil": ("held call", "digest (digesting.py:"),
    "unbuffered": ("system calls", "write is called"),
    "garbage": ("collections", "garbage collection"),
}


class Told(NamedTuple):
    """A check with an explanation: what it said, and the files that it wrote."""

    code: int
    out: str
    err: str
    files: dict[str, Path]  # by ending


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The first cause, found by a check of two wrappers of 3.13."""
    if reason := why_not():
        absent(reason)
    folder, executable = tmp_path_factory.mktemp("checked"), interpreter("3.13").executable
    old, new = (
        program(folder / name, f'PYTHONPATH={ROOT / name} exec {executable} "$@"') for name in ("old", "new")
    )
    files = {ending: folder / f"check.{ending}" for ending in ("json", "md", "xml")}
    done = gilbench(
        *("check", "--explain", "--python", str(new), "--against", str(old), "--effort", "quick"),
        *("--workload", str(ROOT / "workloads" / "slow_function.py"), "--format", "github", "--quiet"),
        *(part for path in (*files.values(), folder / "study.jsonl") for part in ("-o", str(path))),
    )
    return Told(done.returncode, done.stdout, done.stderr, files)


@pytest.fixture(scope="module")
def explained(checked: Told) -> dict[str, Explanation]:
    """All causes: that of the check, and the others in one session on 3.13."""
    one = interpreter("3.13")
    sides = [
        msgspec.structs.replace(one, name=name, environment=(("PYTHONPATH", str(ROOT / name)),))
        for name in ("old", "new")
    ]
    names = [name for name in CAUSES if name != FIRST]
    workloads = [read_declaration(ROOT / "workloads" / f"{name}.py", "cpu") for name in names]
    cases = [
        Case(workload=one.name, interpreter="new", threads=(one.threads or (1,))[0]) for one in workloads
    ]
    header = describe_study(
        cases, effort=EXPLAINING, interpreters=sides, workloads=workloads, reference="old", seed=1
    )
    found = explain_regressions(header, cases, SILENT, threshold=0.02, fdr=0.05)
    check = read(checked.files["json"])
    assert isinstance(check, Check), checked.err
    return {one.case.workload: one for one in (*check.explanations, *found)}


def test_the_cause_is_named_first_in_at_least_four_of_five(explained: dict[str, Explanation]) -> None:
    first = {name: one.causes[0] for name, one in explained.items() if one.causes}
    right = [name for name, (kind, _) in CAUSES.items() if name in first and first[name].kind == kind]
    assert len(right) >= 4, first
    for name in right:
        assert CAUSES[name][1] in first[name].text


def test_a_check_says_why_in_every_output(checked: Told, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked.code == 1, checked.err
    (found,) = json.loads(checked.files["json"].read_text())["explanations"]
    cause = found["causes"][0]["text"]
    assert cause.startswith("split (parsing.py:")
    assert cause.replace("%", "%25") in checked.out
    assert cause in checked.files["xml"].read_text()
    assert "split" in checked.files["md"].read_text()
    run(["report", str(checked.files["json"])])
    assert "is slower" in capsys.readouterr().out


def test_explaining_needs_two_interpreters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = tmp_path / "a.jsonl"
    assert run(["check", str(study), "--baseline", str(study), "--explain"]) == 2
    assert "--explain observes both interpreters now" in capsys.readouterr().err
