"""The pages of the guide: Markdown in ``gilbench/guide/``, with tables that are made from declarations.

The first line of a page is its title, and the first paragraph, one line, its summary. ``<!-- table: NAME -->`` is
replaced by a table. All other comments are for the tests, which run the examples of a page, and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import files
from itertools import groupby
from typing import NamedTuple, TextIO

from rich.markdown import Markdown

from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt
from gilbench.model.metrics import METRICS, Metric
from gilbench.model.profile_results import PROFILE_METRICS
from gilbench.model.study import Workload
from gilbench.plan.catalogue import catalogue
from gilbench.render.console import PlainConsole
from gilbench.render.markdown import code, inert
from gilbench.render.page import Column, Page, Section, Table

TOPICS = (
    "what-is-the-gil",
    "is-my-program-held-up",
    "benchmarks",
    "profiling",
    "watching",
    "how-to-read",
    "comparing",
    "fleet",
    "ci",
    "results",
    "permissions",
    "security",
    "how-it-measures",
    "metrics",
    "workloads",
    "troubleshooting",
    "coming-from",
)
_WIDEST = 100  # columns of text
_COMMENT = re.compile(r"^ *<!--.*?-->\n", re.DOTALL | re.MULTILINE)
_TABLE = re.compile(r"^<!-- table: (.+) -->$", re.MULTILINE)
LINK = re.compile(r"([\w-]+)\.md(#[\w-]+)?")  # to another page
PICTURES = "pictures"  # folder of the pictures
_PICTURE = re.compile(r"^!\[([^\]]+)\]\([^)]+\)$", re.MULTILINE)
_MARKDOWN_LINK = re.compile(rf"\[([^\]]+)\]\({LINK.pattern}\)")
_UNITS = {
    "1/s": "per second",
    "x": "ratio",
    "fraction": "fraction",
    "s": "seconds",
    "B": "bytes",
    "cores": "CPUs",
    "1": "number",
    "count": "number",
}


class GuidePage(NamedTuple):
    """One page."""

    topic: str
    title: str
    summary: str
    text: str  # Markdown without comments


def guide_page(topic: str) -> GuidePage:
    """Read a page, and make its tables.

    Raises:
        UsageError: There is no such page.
    """
    if topic not in TOPICS:
        near = get_close_matches(topic, TOPICS, cutoff=0.4)
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(f"unknown topic {excerpt(topic, 40)!r}; {meant}See all: gilbench guide")
    text = _TABLE.sub(lambda found: "\n".join(_TABLES[found[1]]()), _read(topic))
    return GuidePage(topic, *_head(text), _COMMENT.sub("", text))


def topics_page() -> Page:
    """List the pages."""
    rows = tuple((topic, _head(_read(topic))[1]) for topic in TOPICS)
    table = Table(
        title="Guide",
        columns=(Column("topic", "left"), Column("", "left", folds=True)),
        sections=(Section(rows),),
        notes=("Read a page: gilbench guide TOPIC",),
    )
    return Page("", (), (table,), {})


def write_guide_page(page: GuidePage, file: TextIO) -> None:
    """Draw a page on a terminal, or write its Markdown into a file or a pipe."""
    console = PlainConsole(file=file)
    text = _PICTURE.sub(r"*Picture: \1* (`gilbench guide --site DIR`)", page.text)
    if not console.is_terminal:
        file.write(text)
        return
    text = _MARKDOWN_LINK.sub(r"\1 (`gilbench guide \2`)", text)
    drawn = Markdown(text, code_theme="ansi_dark", hyperlinks=False)
    console.print(drawn, width=min(console.width, _WIDEST))


def _read(topic: str) -> str:
    return files("gilbench").joinpath("guide", f"{topic}.md").read_text("utf-8")


def _head(text: str) -> tuple[str, str]:
    """Return the title and the summary."""
    title, _, summary, *_ = text.split("\n", 3)
    return title.removeprefix("# "), summary


# --- tables ---------------------------------------------------------------------------------------------


def _metrics(declared: Mapping[str, Metric]) -> Iterator[str]:
    rows = (
        (code(metric.name), inert(metric.title), _UNITS[metric.unit], metric.better)
        for metric in declared.values()
    )
    return _table(("name", "meaning", "unit", "better"), rows)


def _workloads() -> Iterator[str]:
    for family, workloads in groupby(catalogue().values(), key=lambda workload: workload.family):
        yield from ("", f"## Family {family}", "")
        rows = ((code(one.name), inert(one.summary), _settings(one)) for one in workloads)
        yield from _table(("workload", "what it does", "parameters"), rows)


def _settings(workload: Workload) -> str:
    parameters = [code(f"{name}={value}") for name, value in workload.parameters.items()]
    needs = [f"needs {inert(', '.join(workload.requires))}"] if workload.requires else []
    default = ["in the default set"] if workload.core else []
    return ", ".join([*parameters, *needs, *default])


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in (titles, ["---"] * len(titles), *rows):
        yield f"| {' | '.join(row)} |"


_TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "metrics": lambda: _metrics(METRICS),
    "profile metrics": lambda: _metrics(PROFILE_METRICS),
    "workloads": _workloads,
}
