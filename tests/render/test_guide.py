"""The pages of the guide: complete, explained, linked, and true to the declarations and messages of the package."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from gilbench.cli import run
from gilbench.model.errors import UsageError
from gilbench.model.metrics import METRICS
from gilbench.model.profile_results import PROFILE_METRICS
from gilbench.plan.catalogue import catalogue
from gilbench.render.guide import LINK, TOPICS, guide_page, topics_page, write_guide_page
from gilbench.render.page import Table

PACKAGE = Path(__file__).parent.parent.parent / "gilbench"
PAGES = {topic: guide_page(topic) for topic in TOPICS}


class Terminal(io.StringIO):
    """A terminal of 80 columns, by the variables of the tests."""

    def isatty(self) -> bool:
        return True


def anchors(topic: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", PAGES[topic].text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_each_file_is_a_page_and_each_page_is_listed() -> None:
    assert {path.stem for path in (PACKAGE / "guide").glob("*.md")} == set(TOPICS)
    (table,) = topics_page().parts
    assert isinstance(table, Table)
    assert table.sections[0].rows == tuple((topic, page.summary) for topic, page in PAGES.items())


@pytest.mark.parametrize("topic", TOPICS)
def test_a_page_begins_with_a_title_and_a_summary_of_one_line(topic: str) -> None:
    page = PAGES[topic]
    assert page.text.startswith(f"# {page.title}\n\n{page.summary}\n\n")
    assert page.summary.endswith((".", "?"))
    assert len(page.summary) <= 56  # one line of the list, in 80 columns
    assert "<!--" not in page.text


@pytest.mark.parametrize("topic", TOPICS)
def test_the_word_gil_is_explained_where_it_comes_first(topic: str) -> None:
    text = PAGES[topic].text
    if re.search(r"\bGIL\b", text):
        assert text.index("global interpreter lock") - text.index("GIL") < 300


@pytest.mark.parametrize("topic", TOPICS)
def test_links_lead_to_pages_and_headings_that_are_there(topic: str) -> None:
    for target in re.findall(r"(?<!!)\[[^\]]+\]\(([^)]+)\)", PAGES[topic].text):
        if not target.startswith("https://"):
            found = LINK.fullmatch(target)
            assert found is not None, target
            assert found[1] in TOPICS, target
            assert found[2] is None or found[2][1:] in anchors(found[1]), target


def test_the_lists_are_those_of_the_declarations() -> None:
    named = set(re.findall(r"^\| `([^`]+)` \|", PAGES["metrics"].text, re.MULTILINE))
    assert named == METRICS.keys() | PROFILE_METRICS.keys()
    text = PAGES["workloads"].text
    assert re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE) == list(catalogue())
    assert "`start=10000`" in next(line for line in text.splitlines() if line.startswith("| `countdown` |"))
    stored = (PACKAGE / "guide" / "workloads.md").read_text("utf-8")
    assert "countdown" not in stored


def test_troubleshooting_quotes_messages_that_exist() -> None:
    sources = " ".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    joined = re.sub(r'"\s+f?"', "", sources)
    quoted = re.findall(r"^### `(.+)`$", PAGES["troubleshooting"].text, re.MULTILINE)
    assert len(quoted) > 20
    assert not [message for message in quoted if message not in joined]


@pytest.mark.parametrize("topic", TOPICS)
def test_a_terminal_draws_the_page(topic: str) -> None:
    file = Terminal()
    write_guide_page(PAGES[topic], file)
    text = re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())
    assert max(map(len, text.splitlines())) <= 80
    assert PAGES[topic].title in text
    assert "](" not in text
    assert "```" not in text


def test_a_link_names_the_command_that_shows_the_page() -> None:
    file = Terminal()
    write_guide_page(PAGES["profiling"], file)
    assert "gilbench guide permissions" in re.sub(r"\x1b\[[0-9;]*m|\n", "", file.getvalue()).replace(
        "  ", " "
    )


def test_a_pipe_gets_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["guide", "ci"]) == 0
    assert capsys.readouterr().out == PAGES["ci"].text


def test_without_a_topic_the_pages_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["guide"]) == 0
    shown = capsys.readouterr().out
    assert all(topic in shown for topic in TOPICS)


def test_an_unknown_topic_names_the_near_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["guide", "permission"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert (
        "unknown topic 'permission'; did you mean permissions or profiling? See all: gilbench guide"
        in said.err
    )
    with pytest.raises(UsageError, match="See all: gilbench guide"):
        guide_page("\x1b[31m../README")
