"""The registry of pages and formats."""

from __future__ import annotations

import importlib
import importlib.util
import io
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, NamedTuple

from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt
from gilbench.render.charts.room import missing_room
from gilbench.render.page import Page

if TYPE_CHECKING:
    from gilbench.render.charts.chart import Chart

# Page of each result by the name of its class, as module:function, imported on first use.
PAGES = {
    "Report": "study_page:study_page",
    "Comparisons": "comparisons_page:comparisons_page",
    "Check": "check_page:check_page",
    "Scorecard": "scorecard_page:scorecard_page",
    "Profile": "profile_page:profile_page",
    "RecordedProfile": "profile_page:recorded_page",
    "ProfileComparison": "profile_comparison_page:profile_comparison_page",
    "LimitCheck": "limits_page:limits_page",
    "Releases": "releases_page:releases_page",
    "PrintedResults": "printed_page:printed_page",
    "WatchLog": "watch_page:watch_page",
    "Measurements": "measurements_page:measurements_page",
    "Header": "plan_page:plan_page",
    "FleetStatus": "fleet_page:fleet_page",
    "Machine": "machine_page:machine_page",
    "Selftest": "selftest_page:selftest_page",
    "Catalogue": "workloads_page:catalogue_page",
    "WorkloadTests": "workloads_page:tests_page",
    "Pythons": "pythons_page:pythons_page",
    "Studies": "history_pages:studies_page",
    "Trends": "history_pages:trends_page",
    "Changes": "history_pages:changes_page",
    "Points": "history_pages:points_page",
    "Defaults": "config_page:config_page",
}

# Charts of each result, likewise.
CHARTS = {
    "Report": "charts.study:study_charts",
    "Comparisons": "charts.ratios:comparison_charts",
    "Check": "charts.ratios:check_charts",
    "Scorecard": "charts.scores:scorecard_charts",
    "Profile": "charts.profile:profile_charts",
    "RecordedProfile": "charts.profile:recorded_charts",
    "Trends": "charts.trends:trend_charts",
}
_DRAWING = ("altair", "vl_convert")  # modules


class Format(NamedTuple):
    """An output format."""

    name: str  # its name in ``--format``
    endings: tuple[str, ...]  # of file names
    writer: str  # module:function; it takes a page and a text file
    of: tuple[
        str, ...
    ] = ()  # the only kinds of result that it writes, directly instead of as pages; empty: all
    needs: tuple[str, ...] = ()  # required modules
    extra: str = ""  # what installs them
    charts: Literal["none", "one", "all"] = "none"  # the writer takes page, charts, and file
    binary: bool = False  # only for files


def _picture(name: str, *, binary: bool = False) -> Format:
    return Format(
        name,
        (f".{name}",),
        f"pictures:write_{name}",
        of=tuple(CHARTS),
        needs=_DRAWING,
        extra="charts",
        charts="one",
        binary=binary,
    )


FORMATS = (
    Format("terminal", (".txt",), "terminal:write_terminal"),
    Format("markdown", (".md", ".markdown"), "markdown:write_markdown"),
    Format("json", (".json",), "json:write_json"),
    Format("csv", (".csv",), "csv:write_csv"),
    Format("html", (".html", ".htm"), "html:write_html", charts="all"),
    _picture("svg"),
    _picture("png", binary=True),
    Format("github", (), "github:write_github", of=("Check", "LimitCheck")),
    Format(
        "junit",
        (".xml",),
        "junit:write_junit",
        of=("Check", "LimitCheck"),
        needs=("junitparser",),
        extra="ci",
    ),
    Format("gitlab", (".codequality.json",), "gitlab:write_gitlab", of=("Check", "LimitCheck")),
    Format("bencher", (".bencher.json",), "bencher:write_bencher", of=("Report", "Check")),
    Format("github-benchmark-bigger", (), "github_benchmark:write_bigger", of=("Report", "Check")),
    Format("github-benchmark-smaller", (), "github_benchmark:write_smaller", of=("Report", "Check")),
    Format("asv", (".asv.json",), "asv:write_asv", of=("Report",)),
    Format("openmetrics", (".prom",), "openmetrics:write_openmetrics", of=("Report", "Check")),
    Format("speedscope", (".speedscope.json",), "speedscope:write_speedscope", of=("Profile",)),
)


def write(result: object, form: str, file: IO[Any], chart: str | None = None) -> None:
    """Write a result in a format.

    Args:
        result: A result of a kind in ``PAGES``.
        form: Name of a format.
        file: The output file, of bytes for a binary format; if it is a terminal, its width and colors are used.
        chart: Name of the chart, for a format of pictures; None: the first.

    Raises:
        UsageError: The format cannot write this kind of result, or the result has no such chart.
    """
    kind = type(result).__name__
    chosen = _named(form)
    if chosen.of and kind not in chosen.of:
        raise UsageError(
            f"--format {form} is for a {chosen.of[0].lower()} only; use {', '.join(names_for(kind))}"
        )
    writer = _load(chosen.writer)
    if chosen.charts == "one":
        writer(page_of(result), (_chosen(charts_of(result), chart),), file)
    elif chosen.charts == "all":
        writer(page_of(result), drawable_charts(result), file)
    else:
        writer(result if chosen.of else page_of(result), file)


def write_screen(result: object, file: IO[str], more: str) -> None:
    """Write the first screen of a result for a terminal.

    Args:
        result: A result of a kind in ``PAGES``.
        file: The output file; if it is a terminal, its size and colors are used.
        more: The command that shows the whole result.
    """
    _load("screen:write_screen")(page_of(result), file, more)


def content_of(result: object, form: str, chart: str | None = None) -> str | bytes:
    """Return a result in a format as the content of a file. See ``write``."""
    if not _named(form).binary:
        return text_of(result, form, chart)
    content = io.BytesIO()
    write(result, form, content, chart)
    return content.getvalue()


def text_of(result: object, form: str, chart: str | None = None) -> str:
    """Return a result in a format as a text."""
    text = io.StringIO()
    write(result, form, text, chart)
    return text.getvalue()


def charts_of(result: object) -> tuple[Chart, ...]:
    """Make the charts of a result, the most telling first; empty: none are made of it."""
    kind = type(result).__name__
    if kind not in CHARTS:
        return ()
    from gilbench.render.charts.chart import with_names  # noqa: PLC0415

    return tuple(with_names(_load(CHARTS[kind])(result)))


def drawable_charts(result: object) -> tuple[Chart, ...] | None:
    """Return the charts of a result; None: there are some, but they cannot be drawn here."""
    drawing = type(result).__name__ not in CHARTS or (
        all(map(_is_installed, _DRAWING)) and missing_room() is None
    )
    return charts_of(result) if drawing else None


def _chosen(charts: tuple[Chart, ...], name: str | None) -> Chart:
    """Return the chart of a name; None: the first."""
    if not charts:
        raise UsageError("this result has no chart; write a report: -o report.html")
    for chart in charts:
        if name in {None, chart.name}:
            return chart
    raise UsageError(
        f"unknown chart {excerpt(str(name), 60)!r}; use {', '.join(chart.name for chart in charts)}"
    )


def page_of(result: object) -> Page:
    """Make the page of a result."""
    page: Page = _load(PAGES[type(result).__name__])(result)
    return page


def names_for(*kinds: str) -> list[str]:
    """Return the names of the formats of text for some kinds of result; no kind: of those for every kind."""
    return [form.name for form in FORMATS if not form.binary and (not form.of or {*kinds} & {*form.of})]


def is_picture(name: str) -> bool:
    """Return whether a format is one chart."""
    return _named(name).charts == "one"


def format_of(path: Path, kind: str | None = None) -> str:
    """Return the format that a file's ending picks.

    Raises:
        UsageError: The ending picks no format for this kind of result.
    """
    known = [form for form in FORMATS if _writes(form, kind)]
    endings = {ending: form.name for form in known for ending in form.endings}
    fitting = [ending for ending in endings if path.name.endswith(ending)]
    if not fitting:
        raise UsageError(f"{path}: unknown file type; end the name in {', '.join(endings)}")
    return endings[max(fitting, key=len)]


def endings_for(kind: str | None = None) -> list[str]:
    """Return the file endings for a kind of result; None: those for every kind."""
    return [ending for form in FORMATS if _writes(form, kind) for ending in form.endings]


def refuse_unknown(name: str, *kinds: str) -> None:
    """Check that a format exists and can write one of some kinds of result; no kind: every kind.

    Raises:
        UsageError: The format is unknown, or is for another kind.
    """
    if name not in names_for(*kinds):
        raise UsageError(f"unknown format {excerpt(name, 40)!r}; use {', '.join(names_for(*kinds))}")


def refuse_unready(name: str) -> None:
    """Check that what a format needs is here.

    Raises:
        UsageError: A module is missing, or the address space is limited.
    """
    form = _named(name)
    missing = [module for module in form.needs if not _is_installed(module)]
    if missing:
        raise UsageError(f"format {name} needs {' and '.join(missing)}: pip install 'gilbench[{form.extra}]'")
    if form.charts == "one" and (room := missing_room()) is not None:
        raise UsageError(f"format {name} needs {room}")


def is_known(path: Path, kind: str | None = None) -> bool:
    """Return whether a file's ending picks a format for a kind of result."""
    return path.name.endswith(tuple(endings_for(kind)))


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _named(name: str) -> Format:
    for form in FORMATS:
        if form.name == name:
            return form
    raise UsageError(f"unknown format {name!r}; use {', '.join(names_for())}")


def _writes(form: Format, kind: str | None) -> bool:
    return not form.of or kind in form.of


def _load(where: str) -> Callable[..., Any]:
    module, _, name = where.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(f"gilbench.render.{module}"), name)
    return function
