"""Writes pages as HTML: one file that loads nothing, so it opens under any content policy.

Sentences come first, then charts, then tables, then how it was measured. Charts are drawn beforehand as SVG. The
template escapes every text. Styles are allowed by their digest only.

Some charts of a profile are also values for a script, which draws them anew, to be searched and zoomed. A page without
them allows no script at all; another allows this one by its digest. Where no script runs, the SVG is still there.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from gilbench.render.guard import json_text, printable, printable_lines
from gilbench.render.page import Bar, Entry, Lines, Page, Part, Plot, Sentences, Table, Text
from gilbench.render.plot import plot_sweep
from gilbench.version import __version__

if TYPE_CHECKING:
    from jinja2 import Environment, Template

    from gilbench.render.charts.chart import Chart

_TEMPLATES = Path(__file__).parent / "templates"
_SCRIPTS = ("base.js", "flame.js", "lanes.js", "start.js")  # parts of the script, in their order
NO_PICTURES = (
    "Charts are missing. Either altair and vl-convert are not installed (pip install 'gilbench[charts]'), "
    "or a limit is too low (ulimit -n, -u, -v)."
)


class _DrawnChart(NamedTuple):
    """A chart, drawn."""

    name: str
    title: str
    summary: str
    svg: str
    table: Table
    live: str = ""  # values for the script, as JSON; empty: the script leaves this chart as it is


class _View(NamedTuple):
    """A page in the order of a reader."""

    title: str
    tone: str
    prefix: str  # start of all IDs
    sentences: tuple[Part, ...]
    figures: tuple[_DrawnChart, ...]
    note: str  # why there are no figures
    tables: tuple[Part, ...]
    lead: tuple[Entry, ...]


def write_html(page: Page, charts: Sequence[Chart] | None, file: TextIO) -> None:
    """Write a page.

    Args:
        page: The page.
        charts: Its charts; None: they cannot be drawn.
        file: The output file.
    """
    style = _style()
    view = _view(page, charts, "g", live=True)
    script = _script() if any(figure.live for figure in view.figures) else ""
    file.write(
        _template("page.html.jinja").render(
            view=view,
            style=_markup(style),
            style_source=_source(style),
            script=_markup(script),
            script_source=_source(script) if script else "'none'",
            version=__version__,
        )
    )


def fragment(page: Page, charts: Sequence[Chart] | None) -> str:
    """Return a page as a part of another one, such as a notebook."""
    unique = hashlib.sha256(repr((page.title, page.lead)).encode("utf-8", "replace")).hexdigest()[:8]
    whole = _template("fragment.html.jinja")
    return whole.render(view=_view(page, charts, f"g{unique}"), style=_markup(_style()))


def _view(page: Page, charts: Sequence[Chart] | None, prefix: str, *, live: bool = False) -> _View:
    title = page.title or f"gilbench: {page.document.get('kind', 'result')}"
    text, tone = _told(title)
    figures = tuple(_figure(chart, prefix, live=live) for chart in charts or ())
    return _View(
        title=text,
        tone=tone,
        prefix=prefix,
        sentences=tuple(part for part in page.parts if _is_said(part)),
        figures=figures,
        note=NO_PICTURES if charts is None else "",
        tables=tuple(_tables(page.parts, drawn=bool(figures))),
        lead=page.lead,
    )


def _is_said(part: Part) -> bool:
    return isinstance(part, Lines) or (isinstance(part, Sentences) and not part.folded)


def _tables(parts: Sequence[Part], *, drawn: bool) -> Iterator[Part]:
    """Yield tables and what is folded. A table below a plot that is drawn as a chart takes the title of the plot."""
    title = ""
    for part in parts:
        if isinstance(part, Plot):
            title = part.title
            if not drawn:
                yield part
        elif isinstance(part, Table):
            yield part if part.title or not drawn else part._replace(title=title)
        elif not _is_said(part):
            yield part


def _figure(chart: Chart, prefix: str, *, live: bool) -> _DrawnChart:
    from gilbench.render.charts.svg import inline  # noqa: PLC0415 - needs altair, as all charts do

    label = printable(f"{chart.title}. {chart.summary}")
    links = {mark: f"{prefix}-{place}" for mark, place in chart.links.items()}
    svg = inline(chart.draw(), label, f"{prefix}-{chart.name}", links)
    values = _data(chart.live()) if live and chart.live is not None else ""
    return _DrawnChart(chart.name, chart.title, chart.summary, _markup(svg), chart.table, values)


def _data(values: Any) -> str:
    """Return values as JSON for an element of a page, which no text in it can end."""
    escaped: str = _markup(json_text(values, indent=0).replace("<", r"\u003c"))
    return escaped


# --- templates ------------------------------------------------------------------------------------------


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - only HTML needs it

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    made.tests.update(
        table=_kind(Table), plot=_kind(Plot), sentences=_kind(Sentences), bar=_kind(Bar), toned=_kind(Text)
    )
    made.filters.update(shown=_shown, drawn=_drawn_plot, entry_text=lambda entry: _told(entry)[0])
    return made


def _kind(kind: type) -> Any:
    return lambda value: isinstance(value, kind)


def _template(name: str) -> Template:
    return _environment().get_template(name)


def _style() -> str:
    return (_TEMPLATES / "page.css").read_text("utf-8")


def _script() -> str:
    return "".join((_TEMPLATES / name).read_text("utf-8") for name in _SCRIPTS)


def _source(text: str) -> str:
    """Return what allows a style or a script in a content policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _markup(text: str) -> Any:
    """Mark what gilbench made itself as HTML."""
    from markupsafe import Markup  # noqa: PLC0415 - part of jinja2

    return Markup(text)  # noqa: S704 - a style or a script of this package, an SVG whose texts are escaped, or JSON


def _printable(value: Any) -> Any:
    """Replace control characters in texts from outside."""
    return printable_lines(value) if type(value) is str else value


def _told(entry: Entry) -> tuple[str, str]:
    if isinstance(entry, Bar):
        return "", "plain"
    return (entry.text, entry.tone) if isinstance(entry, Text) else (entry, "plain")


def _shown(table: Table) -> list[int]:
    """Return the numbers of the columns that a wide page has."""
    return [number for number, column in enumerate(table.columns) if column.shown != "narrow"]


def _drawn_plot(plot: Plot) -> str:
    return plot_sweep(
        {printable(name): points for name, points in plot.series.items()},
        plot.units,
        from_zero=plot.from_zero,
    ).plain
