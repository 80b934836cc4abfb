"""The JSON schemas: current, complete, and true of what gilbench writes."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from checks import check, first_check, hostile_check, row
from profiles import contended, free_threaded, sampled

from gilbench.cli import run
from gilbench.model.documents import DOCUMENTS
from gilbench.model.releases import Release, Releases
from gilbench.model.study import Case
from gilbench.render.formats import text_of

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "reports/reference"
STUDY = REFERENCE / "quick.jsonl"
SCHEMAS = ROOT / "gilbench/schemas"


@cache
def validator(name: str) -> Any:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def properties(name: str) -> Iterator[set[str]]:
    """Fields of a document, or of each kind of line."""
    schema = validator(name).schema
    for place in schema.get("anyOf", [schema]):
        yield set(schema["$defs"][place["$ref"].rpartition("/")[2]]["properties"])


def hold(name: str, document: Any) -> None:
    """Check that a document is valid, and has no field that the schema does not know."""
    validator(name).validate(document)
    assert any(document.keys() <= known for known in properties(name)), name


def printed(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    assert run([*argv, "--format", "json"]) in {0, 1}
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_files_are_current(name: str) -> None:
    schema_of = runpy.run_path(str(ROOT / "ci/schemas.py"))["schema_of"]
    assert (SCHEMAS / f"{name}.json").read_text("utf-8") == schema_of(name), "run python ci/schemas.py"


def test_each_kind_of_document_has_a_schema() -> None:
    sources = (path.read_text("utf-8") for path in sorted((ROOT / "gilbench/render").glob("*.py")))
    kinds = {kind for source in sources for kind in re.findall(r'"kind": "([a-z ]+)"', source)}
    published = json.dumps([validator(name).schema for name in DOCUMENTS])
    assert {"check", "releases", "workload tests"} <= kinds
    assert not {kind for kind in kinds if f'{{"enum": ["{kind}"]}}' not in published}


def test_no_file_is_left_of_a_document_that_is_gone() -> None:
    assert {path.stem for path in SCHEMAS.iterdir()} == set(DOCUMENTS)


@pytest.mark.parametrize("path", [STUDY, REFERENCE / "scorecard.jsonl"], ids=lambda path: path.name)
def test_each_line_of_a_study_is_valid(path: Path) -> None:
    first, *rest = map(json.loads, path.read_text("utf-8").splitlines())
    hold("study", first)
    for line in rest[:: max(1, len(rest) // 20)]:
        hold("study", line)


def test_what_the_commands_write_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    study = str(STUDY)
    hold("report", printed(capsys, "report", study))
    hold("comparison", printed(capsys, "compare", study))
    hold("check", printed(capsys, "check", study, "--baseline", study))
    hold("scorecard", printed(capsys, "scorecard", "--study", str(REFERENCE / "scorecard.jsonl")))
    hold("scores", json.loads((REFERENCE / "scorecard.scores.json").read_text("utf-8")))
    hold("plan", printed(capsys, "run", "--python", "3", "--workload", "countdown", "--dry-run"))
    hold("workloads", printed(capsys, "workloads", "list"))
    hold("interpreters", printed(capsys, "pythons", "list"))
    hold("configuration", printed(capsys, "config", "check"))


def test_profiles_are_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = []
    for number, profile in enumerate((contended(), free_threaded(), sampled())):
        hold("profile", json.loads(text_of(profile, "json")))
        path = tmp_path / f"{number}.json"
        path.write_text(text_of(profile, "json"))
        paths.append(str(path))
    hold("profile-comparison", printed(capsys, "compare", paths[0], paths[2]))
    hold("limits", printed(capsys, "check", paths[0], "--limit", "gil_wait<20%"))


def test_checks_are_valid() -> None:
    for one in (first_check(failed=2), hostile_check(), check(row("regressed"), row("inconclusive"))):
        hold("check", json.loads(text_of(one, "json")))


def test_answers_about_the_release_of_the_gil_are_valid() -> None:
    case = Case(workload="call", interpreter="3.13", threads=1, parameters=(("size", 3),))
    row = Release(case=case, answer="yes", share=0.9, lo=0.8, hi=1.0, blocks=5)
    found = Releases(gilbench="1", created="", code="f()", at_least=0.5, rows=(row,), interpreters=())
    hold("releases", document := json.loads(text_of(found, "json")))
    assert not validator("releases").is_valid({**document, "rows": [{**document["rows"][0], "share": 2}]})
    assert (
        validator("releases").schema["$defs"]["ReleaseRow"]["properties"].keys() == document["rows"][0].keys()
    )


def test_what_the_history_writes_is_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = ["--database", str(tmp_path / "h.db")]
    assert run(["history", "add", str(STUDY), *database]) == 0
    capsys.readouterr()
    hold("studies", printed(capsys, "history", "list", *database))
    hold("series", printed(capsys, "history", "show", "countdown", *database))
    hold("changes", printed(capsys, "history", "detect", *database))
    hold("points", printed(capsys, "history", "export", *database))


def test_a_damaged_document_is_not_valid() -> None:
    document = json.loads(text_of(check(row("regressed")), "json"))
    for damaged in (
        {**document, "verdict": "fine"},
        {**document, "threshold": "2%"},
        {**document, "comparisons": [{**document["comparisons"][0], "ratio": "0.9"}]},
        {**document, "comparisons": [{**document["comparisons"][0], "status": "bad"}]},
        {key: value for key, value in document.items() if key != "caveats"},
    ):
        assert not validator("check").is_valid(damaged)
    first = json.loads(STUDY.read_text("utf-8").partition("\n")[0])
    assert not validator("study").is_valid({**first, "host": {**first["host"], "cores": 0}})


def test_the_command_prints_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    assert capsys.readouterr().out.split() == sorted(DOCUMENTS)
    assert run(["schema", "check"]) == 0
    assert capsys.readouterr().out == (SCHEMAS / "check.json").read_text("utf-8")
    assert run(["schema", "chek"]) == 2
    assert "unknown document 'chek'; use changes, check" in capsys.readouterr().err
