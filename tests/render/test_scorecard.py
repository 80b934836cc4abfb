"""The scorecard as it is written, saved and read back."""

from __future__ import annotations

import csv
import io
import json
import re
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from golden import compare, written
from rich.cells import cell_len
from rich.console import Console
from scored import JYTHON, PY27, PY311, PY313, PY313T, PYPY39, claims_study

from gilbench.analyse.claims import scorecard
from gilbench.model.errors import StudyError
from gilbench.model.scores import COLUMNS, Score, Scorecard, Verdict
from gilbench.model.study import Failure
from gilbench.render.scorecard_page import scorecard_page
from gilbench.render.terminal import show
from gilbench.store.scores import read_scorecard, read_scores, scores_path, write_scores

FAILURES = {
    "numpy_matmul": Failure(
        kind="unsupported", message="numpy_matmul cannot be imported: No module named numpy"
    ),
    "long_hold": Failure(kind="timeout", message="did not answer within 12 s"),
    "socket_wait": Failure(kind="crash", message="ended by SIGSEGV"),
}
LOST: tuple[tuple[str, Verdict, float], ...] = (
    ("2.7", "no", 0.02),
    ("3.13t GIL off", "no", 0.4),
    ("3.13", "yes", 0.0),
)
PROPERTIES = tuple(
    Score(
        kind="property",
        id="atomicity.add",
        title="Atomicity that people rely on",
        part="+= on a shared counter",
        interpreter=name,
        verdict=verdict,
        measured="updates lost",
        figure=figure,
        unit="fraction",
        lo=figure * 0.9,
        hi=figure * 1.1,
        workload="atomicity",
    )
    for name, verdict, figure in LOST
)


@pytest.fixture(scope="module")
def card() -> Scorecard:
    study = claims_study((PY27, PY311, PY313, PY313T, PYPY39, JYTHON), failures=FAILURES)
    return scorecard(study, PROPERTIES)


@pytest.mark.parametrize("columns", [80, 160])
def test_the_scorecard_is_written_as_before(card: Scorecard, columns: int, regenerate: bool) -> None:
    compare(f"scorecard_{columns}.txt", written(card, "terminal", columns), regenerate=regenerate)


def test_the_page_is_written_as_before(card: Scorecard, regenerate: bool) -> None:
    compare("scorecard.md", written(card, "markdown"), regenerate=regenerate)


@pytest.mark.parametrize("columns", [40, 80, 120, 160])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_cut(card: Scorecard, columns: int) -> None:
    text = written(card, "terminal", columns)
    assert max(map(cell_len, text.splitlines())) <= columns
    assert "…" not in text


@pytest.mark.parametrize("columns", [80, 160])
def test_every_interpreter_has_its_column_once_however_wide_the_terminal_is(
    card: Scorecard, columns: int
) -> None:
    text = written(card, "terminal", columns).partition("Requirements for a replacement")[0]
    heads = [line for line, below in pairwise(text.splitlines()) if below.startswith(" ──")]
    names = [name for head in heads for name in re.split(r" +(?!GIL|on\b|off\b)", head.strip())]
    assert names == ["2.7", "3.11", "3.13", "3.13t GIL on", "3.13t GIL off", "pypy3.9", "jython2.7"]
    assert text.count("Threads cannot use several") == (1 if columns == 160 else 2)


def test_without_colour_all_is_said_in_words(card: Scorecard) -> None:
    text = written(card, "terminal", 160)
    assert "\x1b" not in text
    for word in ("holds", "does not hold", "n/a", "hangs", "crashes", "yes", "no"):
        assert re.search(rf"\b{word}\b", text), word
    out = io.StringIO()
    console = Console(file=out, width=160, highlight=False, force_terminal=True, color_system="standard")
    show(scorecard_page(card), console)
    assert re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()) == text


def test_a_failed_run_is_the_result_of_its_row_and_has_its_reason(card: Scorecard) -> None:
    text = written(card, "terminal", 160)
    note = re.search(r"\[(\d+)\] did not answer within 12 s", text)
    assert note
    assert f"hangs [{note[1]}]" in text
    assert "ended by SIGSEGV" in text


def test_programs_get_two_lists_of_flat_rows(card: Scorecard) -> None:
    document = json.loads(written(card, "json"))
    assert (document["schema"], document["kind"]) == (1, "scorecard")
    for name in ("claims", "properties"):
        assert {tuple(row) for row in document[name]} == {COLUMNS}
        assert not [
            row for row in document[name] for value in row.values() if isinstance(value, (list, dict))
        ]
    assert {row["id"].partition(".")[0] for row in document["claims"]} == set("123456789")
    assert document["properties"][0]["title"] == "Atomicity that people rely on: += on a shared counter"


def test_a_spreadsheet_gets_a_row_for_each_score(card: Scorecard) -> None:
    rows = list(csv.DictReader(io.StringIO(written(card, "csv"))))
    assert len(rows) == len(card.claims) + len(card.properties)
    assert tuple(rows[0]) == ("kind", *COLUMNS)


@pytest.mark.parametrize(
    "name", ["a|b", "x`y", "<b>", "[red]", "\x1b[31m", "a\nb", "::error::x", "@user", "#1", "=1+1", "x" * 100]
)
def test_what_comes_from_outside_is_no_markup_and_no_escape_sequence(name: str) -> None:
    study = claims_study((msgspec.structs.replace(PY311, name=name),), failures=FAILURES, blocks=1)
    hostile = scorecard(study, [msgspec.structs.replace(PROPERTIES[0], title=name, part=name, reason=name)])
    for columns in (80, 160):
        text = written(hostile, "terminal", columns)
        assert "\x1b" not in text
        assert max(map(cell_len, text.splitlines())) <= columns
    page = written(hostile, "markdown")
    widths = {line.count("|") for line in page.splitlines() if line.startswith("|")}
    assert len(widths) == 1, "a bar in a name would make another column"
    outside = re.sub(r"(`+).*?\1", "", page)
    for harm in ("\x1b", "<b>", "@user", "#1 ", "::error"):
        assert harm not in outside
    for row in csv.reader(io.StringIO(written(hostile, "csv"))):
        assert not [value for value in row if value.startswith("=")]


def test_properties_are_saved_beside_the_study_and_read_back(tmp_path: Path) -> None:
    path = scores_path(tmp_path / "study.jsonl")
    assert path.name == "study.scores.json"
    assert read_scores(path) is None
    write_scores(path, PROPERTIES)
    assert read_scores(path) == PROPERTIES
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 1}', '{"schema": 9, "properties": []}'])
def test_a_damaged_file_of_properties_is_a_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "study.scores.json"
    path.write_text(text)
    with pytest.raises(StudyError, match=r"study\.scores\.json"):
        read_scores(path)


def test_a_scorecard_is_read_back_from_its_own_json(card: Scorecard, tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_text(written(card, "json"), "utf-8")
    assert read_scorecard(path) == card


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "check"),
        ("schema", 2),
        ("bases", []),
        ("host", None),
        ("claims.id", "99"),
        ("claims.verdict", "perhaps"),
        ("claims.lo", 100),
        ("claims.unit", None),
    ],
)
def test_an_impossible_scorecard_is_refused(
    card: Scorecard, field: str, value: object, tmp_path: Path
) -> None:
    document = json.loads(written(card, "json"))
    place, _, name = field.partition(".")
    (document[place][0] if name else document)[name or place] = value
    path = tmp_path / "card.json"
    path.write_text(json.dumps(document))
    with pytest.raises(StudyError, match=r"card\.json"):
        read_scorecard(path)
