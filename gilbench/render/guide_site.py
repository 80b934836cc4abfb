"""The guide as HTML: a file for each page, and an index. They work from a folder, and request nothing from anywhere."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, MutableMapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup

from gilbench.render.guide import LINK, PICTURES, GuidePage

GENERATOR = '<meta name="generator" content="gilbench guide">'  # in each file
INDEX = "index.html"
_SECTION = "h2"  # listed below the title
_HEAD = 6  # tokens of the title and the summary
_NAMESPACE = "{http://www.w3.org/2000/svg}"


class _Heading(NamedTuple):
    """A heading that can be linked to."""

    anchor: str
    text: str


class _Html(NamedTuple):
    """The parts of a page."""

    head: Markup  # title and summary
    body: Markup
    sections: tuple[_Heading, ...]


def site(pages: Sequence[GuidePage]) -> dict[str, str]:
    """Return the files of the site by name."""
    environment = Environment(
        loader=PackageLoader("gilbench", "guide"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    frame = environment.get_template("page.html")
    generator = Markup(GENERATOR)  # noqa: S704 - a constant
    found = {INDEX: frame.render(page=None, html=None, pages=pages, generator=generator)}
    for page in pages:
        html = _html(page.text)
        found[f"{page.topic}.html"] = frame.render(page=page, html=html, pages=pages, generator=generator)
    return found


def _html(text: str) -> _Html:
    """Return the HTML of a page, in which all text is escaped."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.add_render_rule("table_open", _table_open)
    reader.add_render_rule("table_close", _table_close)
    reader.add_render_rule("fence", _fence)
    reader.add_render_rule("image", _image)
    tokens = reader.parse(text)
    sections = tuple(_anchored(tokens))
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open" and (found := LINK.fullmatch(str(child.attrs["href"]))):
                child.attrs["href"] = f"{found[1]}.html{found[2] or ''}"
    head, body = (
        Markup(reader.renderer.render(part, reader.options, {}))  # noqa: S704 - escaped by the reader
        for part in (tokens[:_HEAD], tokens[_HEAD:])
    )
    return _Html(head, body, sections)


def _anchored(tokens: Sequence[Token]) -> Iterator[_Heading]:
    """Give each heading an anchor, as GitHub does, and yield the sections."""
    for opening, inline in itertools.pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(child.content for child in inline.children or ())
            anchor = re.sub(r"[^\w -]", "", text.lower()).strip().replace(" ", "-")
            opening.attrs["id"] = anchor
            if opening.tag == _SECTION:
                yield _Heading(anchor, text)


def _table_open(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    return f'<div class="scroll" tabindex="0">{renderer.renderToken(tokens, index, options, env)}'


def _table_close(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    return f"{renderer.renderToken(tokens, index, options, env)}</div>\n"


def _fence(_renderer: RendererHTML, tokens: Sequence[Token], index: int, *_: object) -> str:
    """Return a block of code that the keyboard can scroll."""
    return f'<pre tabindex="0"><code>{escapeHtml(tokens[index].content)}</code></pre>\n'


def _image(_renderer: RendererHTML, tokens: Sequence[Token], index: int, *_: object) -> str:
    """Return a picture of the guide as a part of the page, in the colors of the page."""
    name = str(tokens[index].attrs["src"]).rpartition("/")[2]
    root = ET.fromstring(files("gilbench").joinpath("guide", PICTURES, name).read_bytes())  # noqa: S314 - ours
    background = root.find(f"{_NAMESPACE}rect")
    if background is not None:
        root.remove(background)
    root.attrib.pop("color", None)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_NAMESPACE)
    root.attrib |= {"role": "img", "aria-label": tokens[index].content}
    drawn = ET.tostring(root, encoding="unicode")
    return f'<span class="scroll picture" tabindex="0">{drawn}</span>'
