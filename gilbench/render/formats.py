"""The registry of pages and formats."""

from __future__ import annotations

import importlib
import importlib.util
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from gilbench.model.errors import UsageError
from gilbench.render.page import Page

# Page of each result by the name of its class, as module:function, imported on first use.
PAGES = {
    "Report": "study_page:study_page",
    "Comparisons": "comparisons_page:comparisons_page",
    "Check": "check_page:check_page",
    "Scorecard": "scorecard_page:scorecard_page",
    "Profile": "profile_page:profile_page",
    "ProfileComparison": "profile_comparison_page:profile_comparison_page",
    "LimitCheck": "limits_page:limits_page",
    "Releases": "releases_page:releases_page",
    "PrintedResults": "printed_page:printed_page",
    "Measurements": "measurements_page:measurements_page",
    "Header": "plan_page:plan_page",
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


class Format(NamedTuple):
    """An output format."""

    name: str  # its name in ``--format``
    endings: tuple[str, ...]  # of file names
    writer: str  # module:function; it takes a page and a text file
    of: tuple[
        str, ...
    ] = ()  # the only kinds of result that it writes, directly instead of as pages; empty: all
    needs: tuple[str, str] | None = None  # a required module, and the extra that installs it


FORMATS = (
    Format("terminal", (".txt",), "terminal:write_terminal"),
    Format("markdown", (".md", ".markdown"), "markdown:write_markdown"),
    Format("json", (".json",), "json:write_json"),
    Format("csv", (".csv",), "csv:write_csv"),
    Format("github", (), "github:write_github", of=("Check", "LimitCheck")),
    Format("junit", (".xml",), "junit:write_junit", of=("Check", "LimitCheck"), needs=("junitparser", "ci")),
    Format("gitlab", (".codequality.json",), "gitlab:write_gitlab", of=("Check", "LimitCheck")),
    Format("bencher", (".bencher.json",), "bencher:write_bencher", of=("Report", "Check")),
    Format("github-benchmark-bigger", (), "github_benchmark:write_bigger", of=("Report", "Check")),
    Format("github-benchmark-smaller", (), "github_benchmark:write_smaller", of=("Report", "Check")),
    Format("asv", (".asv.json",), "asv:write_asv", of=("Report",)),
    Format("openmetrics", (".prom",), "openmetrics:write_openmetrics", of=("Report", "Check")),
    Format("speedscope", (".speedscope.json",), "speedscope:write_speedscope", of=("Profile",)),
)


def write(result: object, form: str, file: TextIO) -> None:
    """Write a result in a format.

    Args:
        result: A result of a kind in ``PAGES``.
        form: Name of a format.
        file: The output file; if it is a terminal, its width and colors are used.

    Raises:
        UsageError: The format cannot write this kind of result.
    """
    kind = type(result).__name__
    chosen = _named(form)
    if not chosen.of:
        _load(chosen.writer)(page_of(result), file)
    elif kind in chosen.of:
        _load(chosen.writer)(result, file)
    else:
        raise UsageError(
            f"--format {form} is for a {chosen.of[0].lower()} only; use {', '.join(names_for(kind))}"
        )


def text_of(result: object, form: str) -> str:
    """Return a result in a format as a text."""
    text = io.StringIO()
    write(result, form, text)
    return text.getvalue()


def page_of(result: object) -> Page:
    """Make the page of a result."""
    page: Page = _load(PAGES[type(result).__name__])(result)
    return page


def names_for(*kinds: str) -> list[str]:
    """Return the names of the formats for some kinds of result; no kind: of those for every kind."""
    return [form.name for form in FORMATS if not form.of or {*kinds} & {*form.of}]


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
        raise UsageError(f"unknown format {name[:40]!r}; use {', '.join(names_for(*kinds))}")


def refuse_unready(name: str) -> None:
    """Check that the module that a format needs is installed.

    Raises:
        UsageError: The module is missing.
    """
    needs = _named(name).needs
    if needs is not None and importlib.util.find_spec(needs[0]) is None:
        raise UsageError(f"format {name} needs {needs[0]}: pip install 'gilbench[{needs[1]}]'")


def is_known(path: Path, kind: str | None = None) -> bool:
    """Return whether a file's ending picks a format for a kind of result."""
    return path.name.endswith(tuple(endings_for(kind)))


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
