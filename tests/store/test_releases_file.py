"""Saved answers of ``releases``: what is written is read, and shown like the answers themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from studies import named

from gilbench.cli import run
from gilbench.model.errors import StudyError
from gilbench.model.releases import Answer, Release, Releases
from gilbench.model.study import Case
from gilbench.render.formats import text_of
from gilbench.work.read import read, read_measured


def row(answer: Answer = "yes", *, gil: bool = True, **fields: Any) -> Release:
    case = Case(workload="compress", interpreter="3.13t", threads=1, parameters=(("size", 3),), gil=gil)
    return Release(case=case, answer=answer, **fields)


def answers(*rows: Release, **changes: Any) -> Releases:
    made = Releases(
        gilbench="0.1",
        created="2026-01-01T00:00:00+00:00",
        code="zlib.compress(data)",
        at_least=0.5,
        rows=rows,
        interpreters=(named("3.13t", free_threaded=True),),
    )
    return msgspec.structs.replace(made, **changes)


MEASURED = row(share=0.9, lo=0.85, hi=0.95, seconds=0.002, blocks=10, control=0.98, queued=0.01)
ROW = json.loads(text_of(answers(MEASURED), "json"))["rows"][0]
ALL = (
    answers(MEASURED),
    answers(
        row("no", share=0.0, lo=0.0, hi=0.1, blocks=3, remark="for a reason"),
        row("n/a", gil=False, remark="there is no GIL"),
    ),
    answers(row("undecided", blocks=2), interrupted=True),
    answers(row("failed", remark="ValueError: bad luck"), row(gil=False, enabled_by="legacy", share=1.0)),
)


@pytest.mark.parametrize("found", ALL, ids=lambda found: found.answer)
def test_what_was_saved_is_read(found: Releases, tmp_path: Path) -> None:
    path = tmp_path / "releases.json"
    path.write_text(text_of(found, "json"))
    assert read(path) == found


@pytest.mark.parametrize("form", ["terminal", "markdown", "json", "csv"])
def test_a_report_shows_the_answers_as_the_command_did(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "releases.json"
    path.write_text(text_of(ALL[1], "json"))
    assert run(["report", str(path), "--format", form]) == 0
    assert capsys.readouterr().out.rstrip() == text_of(ALL[1], form).rstrip()


def test_a_file_of_an_earlier_version_has_no_workload_in_its_rows(tmp_path: Path) -> None:
    document = json.loads(text_of(answers(MEASURED), "json"))
    del document["rows"][0]["workload"], document["interrupted"]
    path = tmp_path / "releases.json"
    path.write_text(json.dumps(document))
    found = read(path)
    assert isinstance(found, Releases)
    assert (found.rows[0].case.workload, found.rows[0].share) == ("zlib.compress(data)", 0.9)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 99}, "has schema 99"),
        ({"answer": "no"}, "the answer 'no' contradicts the rows"),
        ({"rows": [{**ROW, "answer": "maybe"}]}, "damaged"),
        ({"rows": [{"answer": "yes"}]}, "damaged"),
        ({"rows": [{**ROW, "share": 0.5, "lo": 0.6, "hi": 0.7}]}, "outside its interval"),
        ({"rows": [{**ROW, "share": None}]}, "outside its interval"),
        ({"rows": [{**ROW, "share": 2}]}, "damaged"),
        ({"rows": [{**ROW, "parameters": 3}]}, "damaged"),
        ({"rows": [{**ROW, "blocks": -1}]}, "the number of blocks is negative"),
        ({"rows": [{**ROW, "workload": ""}]}, "damaged"),
    ],
)
def test_damage_is_told_in_a_line(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = tmp_path / "releases.json"
    path.write_text(json.dumps({**json.loads(text_of(answers(MEASURED), "json")), **change}))
    with pytest.raises(StudyError, match=said) as error:
        read(path)
    assert "\n" not in str(error.value)


def test_answers_are_no_study(tmp_path: Path) -> None:
    path = tmp_path / "releases.json"
    path.write_text(text_of(answers(MEASURED), "json"))
    with pytest.raises(StudyError, match="is not a study"):
        read_measured(path)
