"""The guide as HTML: self-contained, linked, escaped, and written only where nothing else is."""

from __future__ import annotations

import itertools
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gilbench.cli import run
from gilbench.render.guide import TOPICS, GuidePage, guide_page
from gilbench.render.guide_site import INDEX, site

FILES = site([guide_page(topic) for topic in TOPICS])
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Reader(HTMLParser):
    """Collects the elements of a file, and checks that they are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


READ = {name: Reader(text) for name, text in FILES.items()}


@pytest.mark.parametrize("name", FILES)
def test_a_file_requests_nothing_and_runs_nothing(name: str) -> None:
    found = READ[name]
    assert not {"script", "link", "img", "iframe", "object", "embed", "form"} & {
        tag for tag, _ in found.elements
    }
    attributes = {attribute for _, given in found.elements for attribute in given}
    assert not {one for one in attributes if one.startswith("on")} | ({"src", "srcset", "data"} & attributes)
    assert "url(" not in FILES[name]
    assert "@import" not in FILES[name]
    (policy,) = [one["content"] for one in found.of("meta") if one.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none';")


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_a_language_a_title_one_heading_and_its_place_in_the_list(name: str) -> None:
    found = READ[name]
    assert found.of("html") == [{"lang": "en"}]
    assert len(found.of("h1")) == 1
    assert [one["href"] for one in found.of("a") if one.get("aria-current") == "page"] == [name]
    levels = [int(tag[1]) for tag, _ in found.elements if tag in {"h1", "h2", "h3", "h4"}]
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))


@pytest.mark.parametrize("name", FILES)
def test_each_link_leads_somewhere(name: str) -> None:
    ids = {key: {given["id"] for _, given in one.elements if "id" in given} for key, one in READ.items()}
    assert len(ids[name]) == sum("id" in given for _, given in READ[name].elements)
    for link in READ[name].of("a"):
        target = link["href"] or ""
        file, _, anchor = target.partition("#")
        if not target.startswith("https://"):
            assert (file or name) in FILES, target
            assert not anchor or anchor in ids[file or name], target


def test_text_is_escaped() -> None:
    bad = "<script>alert(1)</script>"
    table, block = f"| {bad} |\n| --- |\n| `{bad}` |", f"```text\n{bad}\n```"
    text = "\n\n".join([f"# {bad}", bad, f"## {bad}", table, block, "[x](javascript:1)\n"])
    made = Reader(site([GuidePage("a", bad, bad, text)])["a.html"])
    assert not made.of("script")
    assert all(not (link["href"] or "").startswith("javascript") for link in made.of("a"))
    assert "".join(made.words).count(bad) >= 6


def test_the_site_is_written_again_where_it_was_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new" / "site"
    assert run(["guide", "--site", str(folder)]) == 0
    assert capsys.readouterr().out == f"wrote {folder / INDEX}\n"
    stale = folder / "of-an-earlier-version.html"
    (folder / "ci.html").rename(stale)
    assert run(["guide", "--site", str(folder)]) == 0
    assert {path.name: path.read_text("utf-8") for path in folder.iterdir()} == FILES


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_a_folder_with_other_things_is_refused_and_left_alone(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    other, outside = folder / "index.html", tmp_path / "outside.html"
    outside.write_text(FILES[INDEX], "utf-8")
    if kind == "file":
        other.write_text("my own page", "utf-8")
    elif kind == "folder":
        other.mkdir()
    else:
        other.symlink_to(outside)
    assert run(["guide", "--site", str(folder)]) == 2
    assert "holds other things, such as index.html; choose a new or empty folder" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["index.html"]
    assert outside.read_text("utf-8") == FILES[INDEX]


def test_a_file_is_no_folder_and_a_topic_does_not_go_with_the_site(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine", "utf-8")
    assert run(["guide", "--site", str(tmp_path / "file")]) == 2
    assert run(["guide", "ci", "--site", str(tmp_path / "site")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "choose another folder" in lines[0]
    assert not (tmp_path / "site").exists()
