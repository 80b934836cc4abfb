"""Planted causes: the old and the new version of five small libraries, of which each is slower for another reason."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from interpreters_fakes import program
from interpreters_fixture import absent, interpreter

from gilbench.cli import run
from gilbench.model.explanation import Explanation
from gilbench.model.study import Case
from gilbench.observe.bpftrace import why_not
from gilbench.plan.blocks import EXPLAINING
from gilbench.plan.catalogue import read_declaration
from gilbench.work.explain import explain_regressions
from gilbench.work.listener import SILENT
from gilbench.work.planning import describe_study

ROOT = Path(__file__).parent / "programs" / "slower"
CAUSES = {
    "slow_function": ("function", "split (parsing.py:"),
    "new_lock": ("lock", "fingerprint (caching.py:"),
    "held_gil": ("held call", "digest (digesting.py:"),
    "unbuffered": ("system calls", "write is called"),
    "garbage": ("collections", "garbage collection"),
}


@pytest.fixture(scope="module")
def explained() -> dict[str, Explanation]:
    """All causes, in one session on 3.13."""
    if reason := why_not():
        absent(reason)
    one = interpreter("3.13")
    sides = [
        msgspec.structs.replace(one, name=name, environment=(("PYTHONPATH", str(ROOT / name)),))
        for name in ("old", "new")
    ]
    workloads = [read_declaration(ROOT / "workloads" / f"{name}.py", "cpu") for name in CAUSES]
    cases = [
        Case(workload=one.name, interpreter="new", threads=(one.threads or (1,))[0]) for one in workloads
    ]
    header = describe_study(
        cases, effort=EXPLAINING, interpreters=sides, workloads=workloads, reference="old", seed=1
    )
    found = explain_regressions(header, cases, SILENT, threshold=0.02, fdr=0.05)
    return {one.case.workload: one for one in found}


def test_the_cause_is_named_first_in_at_least_four_of_five(explained: dict[str, Explanation]) -> None:
    first = {name: one.causes[0] for name, one in explained.items() if one.causes}
    right = [name for name, (kind, _) in CAUSES.items() if name in first and first[name].kind == kind]
    assert len(right) >= 4, first
    for name in right:
        assert CAUSES[name][1] in first[name].text


def test_a_check_says_why_in_every_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    executable = interpreter("3.13").executable
    old, new = (
        program(tmp_path / name, f'PYTHONPATH={ROOT / name} exec {executable} "$@"')
        for name in ("old", "new")
    )
    saved = [tmp_path / f"check.{ending}" for ending in ("json", "md", "xml")]
    code = run(
        [
            *("check", "--explain", "--python", str(new), "--against", str(old), "--effort", "quick"),
            *("--workload", str(ROOT / "workloads" / "slow_function.py"), "--format", "github", "--quiet"),
            *(part for path in (*saved, tmp_path / "study.jsonl") for part in ("-o", str(path))),
        ]
    )
    said = capsys.readouterr()
    assert code == 1, said.err
    (found,) = json.loads(saved[0].read_text())["explanations"]
    cause = found["causes"][0]["text"]
    assert cause.startswith("split (parsing.py:")
    assert cause.replace("%", "%25") in said.out
    assert cause in saved[2].read_text()
    assert "split" in saved[1].read_text()
    run(["report", str(saved[0])])
    assert "is slower" in capsys.readouterr().out


def test_explaining_needs_two_interpreters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = tmp_path / "a.jsonl"
    assert run(["check", str(study), "--baseline", str(study), "--explain"]) == 2
    assert "--explain observes both interpreters now" in capsys.readouterr().err
