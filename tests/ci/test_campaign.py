"""The campaign finds nothing in its short form, and says what it found where there is harm."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from campaigns.caller import Answer
from campaigns.harm import Harm, Part, table
from campaigns.impossible_studies import STUDIES
from campaigns.judge import judged
from campaigns.killable import KILLABLE

from gilbench.host.capture import Completed, capture
from gilbench.host.environment import clean_environment

SCRIPT = Path(__file__).parents[2] / "ci" / "campaign"


def campaign(*arguments: str) -> Completed:
    environment = clean_environment({"PYTHON": sys.executable})
    return capture([str(SCRIPT), *arguments], seconds=300, env=environment)


@pytest.mark.parametrize("part", ["artefacts", "impossible", "commands", "kills of history add"])
def test_the_short_campaign_finds_no_harm(part: str) -> None:
    done = campaign("--short", "--part", part)
    assert done.status == 0, done.stdout + done.stderr
    heads, figures = (line.split() for line in done.stdout.splitlines()[:2])
    assert heads[:2] == ["part", "tried"]
    assert int(figures[len(part.split())]) > 0


def test_a_part_that_does_not_exist_is_refused() -> None:
    done = campaign("--part", "wind")
    assert done.status == 2
    assert "no such part" in done.stderr


def answer(
    code: int | None = 0, out: str = "", err: str = "", command: tuple[str, ...] = ("report",)
) -> Answer:
    return Answer(command, code, out.encode(), err, 0)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (answer(None), "hang"),
        (answer(70, err="gilbench: internal error"), "traceback"),
        (answer(1, err="Traceback (most recent call last):"), "traceback"),
        (answer(99), "unclear"),
        (answer(-11), "unclear"),
        (answer(2), "unclear"),
        (answer(2, err="gilbench: a\nb\nc\nd"), "unclear"),
        (answer(out="\x1b[31m"), "escaped"),
        (answer(err="\u202e"), "escaped"),
        (answer(out="<script>alert(31337)</script>", command=("report", "a", "-f", "html")), "escaped"),
        (answer(out="a,=cmd()", command=("report", "a", "-f", "csv")), "escaped"),
        (answer(out="NaN", command=("report", "a", "-f", "json")), "escaped"),
        (answer(out="\n::error file=31337::x"), "escaped"),
        (answer(2, err="gilbench: out of memory"), "memory"),
    ],
)
def test_harm_is_recognized(given: Answer, kind: str) -> None:
    assert [harm.kind for harm in judged(given, ())] == [kind]


@pytest.mark.parametrize("given", [answer(), answer(2, err="gilbench: no\nDo this."), answer(1, out="a\tb")])
def test_what_is_no_harm_is_not_counted(given: Answer) -> None:
    assert not list(judged(given, ()))


def test_harm_is_kept_with_what_reproduces_it(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("{}")
    part = Part("artefacts", tmp_path / "harm", 7)
    part.count("study", 2)
    part.add([Harm("hang", "a study", "it hung", ("report", "a b.json"), (file,))])
    kept = tmp_path / "harm" / "artefacts" / "0001-hang"
    assert (kept / "harm.txt").read_text() == "seed 7\na study\nreport 'a b.json'\nit hung\n"
    assert (kept / "a.json").read_text() == "{}"
    assert table([part]).splitlines()[1].split()[:6] == ["artefacts", "1", "2", "0", "1", "0"]


def test_names_of_invariants_and_commands_differ() -> None:
    assert len(STUDIES) > 60
    assert len({one.name for one in KILLABLE}) == len(KILLABLE)
