"""Pages of HTML: what they hold, in which order, and that nothing in them can do harm or load anything."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
import sys
from itertools import pairwise
from pathlib import Path

import checks
import msgspec
import profiles
import pytest
from html_pages import Element, HtmlPage
from scored import PY311, PY313T, claims_study
from studies import StudyBuilder, everything, make_workload, named
from test_golden import HOSTILE, compared
from test_history_pages import HOSTILE_ENTRY, HOSTILE_SERIES, points, series

from gilbench.analyse.claims import scorecard
from gilbench.model.history import Studies, Trends
from gilbench.model.profile import Stack
from gilbench.render import formats
from gilbench.render.html import NO_PICTURES
from gilbench.render.notebook import html_of
from gilbench.work.read import read_result
from gilbench.work.scorecard import read_card

REFERENCE = Path(__file__).parent.parent.parent / "reports" / "reference"
MOST = 2 * 1024 * 1024  # bytes of a page of a default study
SCRIPTED = "<script>alert(1)</script>"
# Everything that a page may contain; above all no image, link to a file, frame, or form.
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "header", "nav", "main", "section"),
    *("h1", "h2", "h3", "p", "ul", "li", "a", "span", "pre", "details", "summary"),
    *("figure", "figcaption", "div", "table", "thead", "tbody", "tr", "th", "td"),
    *("svg", "g", "path", "rect", "line", "text", "tspan", "title", "defs", "clippath"),
    "script",  # see ``scripts_are_ours``
}


def stacks() -> tuple[Stack, ...]:
    frames = ("main (app.py:1)", "parse (app.py:20)")
    return (
        Stack(tid=101, thread="crunch", frames=frames, samples=60),
        Stack(tid=101, thread="crunch", frames=(*frames[:1], SCRIPTED), samples=20),
    )


@functools.cache
def results() -> dict[str, object]:
    builder = everything()
    return {
        "study": builder.report(),
        "comparisons": compared(builder.study()),
        "check": checks.check(checks.row("regressed"), checks.row(metric="speedup"), warnings=("careful",)),
        "profile": msgspec.structs.replace(profiles.contended(), stacks=stacks()),
        "free-threaded profile": profiles.free_threaded(),
        "sampled profile": profiles.sampled(),
        "scorecard": scorecard(claims_study([PY311, PY313T])),
        "trends": Trends(((series(), points()), (series(metric="latency_p99", unit="s"), points(3)))),
    }


@functools.cache
def page(kind: str) -> HtmlPage:
    return HtmlPage(formats.text_of(results()[kind], "html"))


KINDS = (
    *("study", "comparisons", "check", "profile", "free-threaded profile", "sampled profile", "scorecard"),
    "trends",
)


def digest(element: Element) -> str:
    found = hashlib.sha256("".join(element.text).encode()).digest()
    return f"'sha256-{base64.b64encode(found).decode()}'"


def policy(found: HtmlPage) -> dict[str, str]:
    (content,) = [
        one.attributes["content"] for one in found.all("meta") if one.attributes.get("http-equiv") is not None
    ]
    return dict(tuple(rule.strip().split(" ", 1)) for rule in content.split(";"))  # type: ignore[misc]


def scripts_are_ours(found: HtmlPage) -> bool:
    """Whether the policy names the digest of the only script, and other elements of scripts are values of figures."""
    scripts = [one for one in found.all("script") if one.attributes != {"type": "application/json"}]
    values = [one for one in found.all("script") if one not in scripts]
    allowed = [digest(one) for one in scripts if not one.attributes] or ["'none'"]
    return (
        allowed == [policy(found)["script-src"]]
        and len(scripts) == bool(values)
        and all("<" not in "".join(one.text) and json.loads("".join(one.text)) for one in values)
    )


def is_safe(found: HtmlPage) -> bool:
    """Whether a page has only known elements, no handlers or styles of elements, and loads nothing."""
    names = {name for element in found.elements for name in element.attributes}
    targets = [
        value
        for element in found.elements
        for name, value in element.attributes.items()
        if name in {"href", "src", "action", "data", "poster", "srcset", "xlink:href"}
    ]
    urls = [value for element in found.elements for value in element.attributes.values() if "url(" in value]
    return (
        {element.tag for element in found.elements} <= TAGS
        and scripts_are_ours(found)
        and not [name for name in names if name.startswith("on") or name == "style"]
        and all(target.startswith("#") for target in targets)
        and all(re.fullmatch(r"url\(#[\w-]+\)", url) for url in urls)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_whole_and_loads_nothing(kind: str) -> None:
    assert is_safe(page(kind))
    ids = [element.attributes["id"] for element in page(kind).elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    assert {link.attributes["href"][1:] for link in page(kind).all("a")} <= set(ids)


@pytest.mark.parametrize("kind", KINDS)
def test_each_chart_has_a_label_and_its_values(kind: str) -> None:
    found = page(kind)
    assert found.all("figure")
    for figure in found.all("figure"):
        role = "group" if kind == "scorecard" else "img"  # a group has links
        (picture,) = [one for one in found.within(figure, "svg") if one.attributes.get("role") == role]
        assert len(picture.attributes["aria-label"]) > 40
        assert "".join(found.within(figure, "h3")[0].text)
        (values,) = found.within(figure, "table")
        assert values.ancestors[-2:] == ("details", "div")
        assert len([row for row in found.within(figure, "tr") if "tbody" in row.ancestors]) > 0


def test_each_cell_of_a_scorecard_links_to_the_rows_behind_it() -> None:
    found = page("scorecard")
    (figure,) = found.all("figure")
    links = found.within(figure, "a")
    verdicts = [cell for cell in found.within(figure, "td") if "tbody" in cell.ancestors]
    assert len(links) == len(verdicts) > 20
    for link in links:
        assert not link.text  # its name is a label
        number = link.attributes["aria-label"].partition(")")[0]
        place = link.attributes["href"][1:]
        (section,) = [one for one in found.all("tbody") if one.attributes.get("id") == place]
        assert f"{number})" in "".join(section.text)


@pytest.mark.parametrize("kind", KINDS)
def test_sentences_come_first_and_how_it_was_measured_last(kind: str) -> None:
    titles = ["".join(one.text) for one in page(kind).all("h2")]
    order = [titles.index(one) for one in ("Charts", "Tables", "How it was measured") if one in titles]
    assert order == sorted(order)
    said = [number for number, title in enumerate(titles) if title in {"Findings", "Warnings"}]
    assert not said or max(said) < titles.index("Charts")


@pytest.mark.parametrize("kind", KINDS)
def test_headings_have_no_gaps(kind: str) -> None:
    levels = [int(one.tag[1]) for one in page(kind).elements if one.tag in {"h1", "h2", "h3"}]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("kind", KINDS)
def test_the_policy_of_a_page_allows_its_own_style_and_script_only(kind: str) -> None:
    found = page(kind)
    rules = policy(found)
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    (style,) = found.all("style")
    assert rules["style-src"] == digest(style)
    assert "@import" not in "".join(style.text)
    assert "url(" not in "".join(style.text)


@pytest.mark.parametrize("name", [*HOSTILE, "script"])
def test_a_hostile_name_is_text(name: str) -> None:
    word = HOSTILE.get(name, SCRIPTED)
    builder = StudyBuilder([named(word), named(f"{word}t", free_threaded=True)], [make_workload(word)])
    for interpreter in (word, f"{word}t"):
        for threads in (1, 2):
            builder.work(word, interpreter, 1000.0, threads=threads)
    builder.fail(0, "crash", word)
    builder.warnings = (word,)
    for result in (builder.report(), compared(builder.study())):
        text = formats.text_of(result, "html")
        found = HtmlPage(text)
        assert is_safe(found)
        assert all(letter.isprintable() or letter == "\n" for letter in text)
    if name == "script":
        assert SCRIPTED in "".join(found.all("table")[0].text)


def test_a_hostile_history_is_text() -> None:
    trends = Trends(((HOSTILE_SERIES, tuple((HOSTILE_ENTRY, point) for _, point in points())),))
    assert is_safe(HtmlPage(formats.text_of(trends, "html")))


def test_only_pages_with_charts_for_it_have_a_script() -> None:
    assert page("profile").all("script")
    assert page("free-threaded profile").all("script")
    for kind in ("study", "comparisons", "check", "sampled profile", "scorecard", "trends"):
        assert not page(kind).all("script")
        assert policy(page(kind))["script-src"] == "'none'"


def test_the_script_makes_no_code_or_markup_of_texts() -> None:
    code = "".join(page("profile").all("script")[-1].text)
    forbidden = r"\beval\b|\bFunction\(|innerHTML|outerHTML|insertAdjacent|document\.write|fetch\(|import\("
    assert re.findall(forbidden, code) == []
    assert set(re.findall(r"\w+://[^\s\"]+", code)) == {"http://www.w3.org/2000/svg"}


def test_a_frame_of_a_flame_graph_is_text() -> None:
    texts = [text for one in page("profile").all("text") for text in one.text]
    assert any(text.startswith("<script>") for text in texts)


@pytest.mark.parametrize("name", ["quick", "published", "scorecard", "card"])
def test_the_page_of_a_saved_result_is_small(name: str) -> None:
    saved = REFERENCE / f"{name}.jsonl"
    result = read_card(REFERENCE / "scorecard.jsonl") if name == "card" else read_result(saved)
    text = formats.text_of(result, "html")
    assert len(text.encode()) < MOST
    assert is_safe(HtmlPage(text))


def test_every_table_of_the_terminal_is_there() -> None:
    titles = {getattr(part, "title", "") for part in formats.page_of(results()["study"]).parts} - {""}
    text = {"".join(one.text) for one in page("study").elements if one.tag in {"h2", "h3", "summary"}}
    assert titles <= text


def test_without_the_extra_a_page_has_tables_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    found = HtmlPage(formats.text_of(results()["study"], "html"))
    assert is_safe(found)
    assert not found.all("figure")
    assert NO_PICTURES in ["".join(one.text) for one in found.all("p")]
    assert found.all("table")
    assert found.all("pre")  # sweeps are drawn as text


def test_a_part_of_another_page_has_pictures_only() -> None:
    found = HtmlPage(html_of(results()["profile"]))
    assert found.all("figure")
    assert not found.all("script")
    assert not any("data-live" in figure.attributes for figure in found.all("figure"))


def test_a_result_without_charts_is_a_page() -> None:
    found = HtmlPage(formats.text_of(Studies((HOSTILE_ENTRY,), 1), "html"))
    assert is_safe(found)
    assert "Charts" not in ["".join(one.text) for one in found.all("h2")]
    assert found.all("table")
