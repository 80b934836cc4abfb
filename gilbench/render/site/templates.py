"""The templates of a site. They escape every text, and the pages allow their own style and script only."""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from gilbench.render.guard import printable
from gilbench.render.history_pages import date_of
from gilbench.version import __version__

_TEMPLATES = Path(__file__).parent.parent / "templates"


class Inlined(NamedTuple):
    """A style or a script within a page, and the digest by which the page allows it."""

    text: Markup
    digest: str


@functools.cache
def template(name: str) -> Template:
    """Return a template of the site."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES / "site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.filters["date"] = date_of
    environment.globals.update(style=inlined("page.css", "site/site.css"), version=__version__)
    return environment.get_template(name)


@functools.cache
def inlined(*names: str) -> Inlined:
    """Join files of this package for a page."""
    text = "".join(_TEMPLATES.joinpath(name).read_text("utf-8") for name in names)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Inlined(Markup(text), digest)  # noqa: S704 - of this package


def _printable(value: Any) -> Any:
    """Replace control characters in texts from outside, which XML does not allow."""
    return printable(value) if type(value) is str else value
