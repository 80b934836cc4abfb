"""The scorecard as it is written, saved and asked for."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console
from scored import JYTHON, PY27, PY311, PY313, PY313T, PYPY39, claims_study
from studies import save
from test_golden import compare

from gilbench.analyse.claims import claim_scores
from gilbench.cli import run
from gilbench.errors import StudyError
from gilbench.model import Failure
from gilbench.render.scorecard_json import render_scorecard_json
from gilbench.render.scorecard_markdown import render_scorecard_markdown
from gilbench.render.scorecard_terminal import render_scorecard
from gilbench.scores import COLUMNS, Score, Scorecard, Verdict
from gilbench.store.scores import read_scores, scores_path, write_scores

FAILURES = {
    "numpy_matmul": Failure(
        kind="unsupported", message="numpy_matmul cannot be imported: No module named numpy"
    ),
    "long_hold": Failure(kind="timeout", message="did not answer within 12 s"),
    "socket_wait": Failure(kind="crash", message="was ended by SIGSEGV"),
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
    return Scorecard(header=study.header, claims=claim_scores(study), properties=PROPERTIES)


def written(card: Scorecard, columns: int, **how: bool | str) -> str:
    file = io.StringIO()
    render_scorecard(card, Console(file=file, width=columns, highlight=False, **how))  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize("columns", [80, 160])
def test_the_scorecard_is_written_as_before(card: Scorecard, columns: int, regenerate: bool) -> None:
    text = "\n".join(line.rstrip() for line in written(card, columns).splitlines()) + "\n"
    compare(f"scorecard_{columns}.txt", text, regenerate=regenerate)


def test_the_page_is_written_as_before(card: Scorecard, regenerate: bool) -> None:
    compare("scorecard.md", render_scorecard_markdown(card), regenerate=regenerate)


@pytest.mark.parametrize("columns", [40, 80, 120, 160])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_cut(card: Scorecard, columns: int) -> None:
    text = written(card, columns)
    assert max(map(cell_len, text.splitlines())) <= columns
    assert "…" not in text


@pytest.mark.parametrize("columns", [80, 160])
def test_every_interpreter_has_its_column_once_however_wide_the_terminal_is(
    card: Scorecard, columns: int
) -> None:
    text = written(card, columns).partition("What a replacement must have")[0]
    names = [
        name for head in re.findall(r"What is said about the GIL.*\n(.*)\n", text) for name in head.split()
    ]
    assert names == ["2.7", "3.11", "3.13", "3.13t", "3.13t", "pypy3.9", "jython2.7"]
    assert text.count("Threads cannot use several") == (1 if columns == 160 else 2)


def test_without_colour_all_is_said_in_words(card: Scorecard) -> None:
    text = written(card, 160)
    assert "\x1b" not in text
    for word in ("holds", "does not", "not here", "hangs", "crashes", "yes", "no"):
        assert re.search(rf"\b{word}\b", text), word
    coloured = written(card, 160, force_terminal=True, color_system="standard")
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == text


def test_a_failed_run_is_the_result_of_its_row_and_has_its_reason(card: Scorecard) -> None:
    text = written(card, 160)
    note = re.search(r"\[(\d+)\] did not answer within 12 s", text)
    assert note
    assert f"hangs [{note[1]}]" in text
    assert "was ended by SIGSEGV" in text


def test_programs_get_two_lists_of_flat_rows(card: Scorecard) -> None:
    document = json.loads(render_scorecard_json(card))
    for name in ("claims", "properties"):
        assert {tuple(row) for row in document[name]} == {COLUMNS}
        assert not [
            row for row in document[name] for value in row.values() if isinstance(value, (list, dict))
        ]
    assert {row["id"].partition(".")[0] for row in document["claims"]} == set("123456789")
    assert document["properties"][0]["title"] == "Atomicity that people rely on: += on a shared counter"


@pytest.mark.parametrize("name", ["a|b", "x`y", "<b>", "[red]", "\x1b[31m"])
def test_what_comes_from_outside_is_no_markup_and_no_escape_sequence(name: str) -> None:
    study = claims_study((msgspec.structs.replace(PY311, name=name),), failures=FAILURES)
    hostile = Scorecard(header=study.header, claims=claim_scores(study))
    assert "\x1b" not in written(hostile, 80)
    page = render_scorecard_markdown(hostile)
    widths = {line.count("|") for line in page.splitlines() if line.startswith("|")}
    assert len(widths) == 1, "a bar in a name would make another column"
    assert "\x1b" not in page


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


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    study = claims_study((PY27, PY311))
    write_scores(scores_path(tmp_path / "study.jsonl"), PROPERTIES)
    return save(study, tmp_path / "study.jsonl")


def test_a_saved_study_is_shown_again_without_measuring(
    saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["scorecard", "--study", str(saved), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    verdicts = {(row["id"], row["interpreter"]): row["verdict"] for row in document["claims"]}
    assert (verdicts["5", "2.7"], verdicts["5", "3.11"]) == ("holds", "does not hold")
    assert len(document["properties"]) == len(PROPERTIES)
    assert run(["scorecard", "--study", str(saved), "--format", "markdown"]) == 0
    assert capsys.readouterr().out.startswith("# The GIL, scored\n")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--study", "STUDY", "--python", "3"], "--study shows a saved study"),
        (["--study", "STUDY", "-o", "other.jsonl"], "--study shows a saved study"),
        (["--study", "absent.jsonl"], "absent.jsonl"),
        (["--format", "html"], "html"),
    ],
)
def test_wrong_use_ends_in_a_line_and_exit_code_2(
    saved: Path, capsys: pytest.CaptureFixture[str], argv: Sequence[str], said: str
) -> None:
    assert run(["scorecard", *(str(saved) if word == "STUDY" else word for word in argv)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) <= 2


def test_no_name_in_a_saved_card_is_markup() -> None:
    harm = "<b>|x`@all\n::error::"
    score = msgspec.structs.replace(PROPERTIES[0], title=harm, part=harm, measured=harm, interpreter=harm)
    card = Scorecard(
        header=msgspec.structs.replace(claims_study([PY313]).header, gilbench=harm, created=harm),
        claims=(),
        properties=(score, msgspec.structs.replace(score, id="atomicity.other")),
    )
    page = render_scorecard_markdown(card)
    outside = re.sub(r"(`+) ?.*? ?\1", "", page)
    assert "<b>" in page
    assert "<b>" not in outside
    assert "@all" not in outside
    assert all(line.count("|") in {0, 3} for line in page.splitlines())
