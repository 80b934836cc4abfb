"""The last screen of a run: the findings and their chart, as far as they fit, and how to see the rest."""

from __future__ import annotations

import io
import re

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console
from studies import StudyBuilder, everything, make_workload, named

from gilbench.model.results import Caveat, Finding, Report
from gilbench.render.formats import page_of
from gilbench.render.page import Bar, Page, Section, Table
from gilbench.render.screen import screen_of
from gilbench.render.terminal import show

MORE = "gilbench report study.jsonl"
TITLES = {
    "Overview",
    "Scaling, cpu: Python code, which holds the GIL",
    "Failed runs",
    "Findings",
    "Warnings",
    "Next steps",
}


@pytest.fixture(scope="module")
def report() -> Report:
    return everything().report()


def drawn(page: Page, width: int = 100, height: int | None = None) -> str:
    console = Console(
        file=io.StringIO(),
        width=width,
        height=height,
        highlight=False,
        force_terminal=height is not None,
        no_color=True,
    )
    show(screen_of(page, console, MORE), console)
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue())


@pytest.mark.parametrize(
    ("width", "height", "most"), [(100, None, 38), (80, 24, 22), (120, 40, 38), (80, 200, 38)]
)
def test_it_fits(report: Report, width: int, height: int | None, most: int) -> None:
    lines = drawn(page_of(report), width, height).splitlines()
    assert len(lines) <= most
    assert max(map(cell_len, lines)) <= width
    assert lines[0].startswith("gilbench ")
    assert MORE in lines[-1]
    assert "--full" in lines[-1]


def test_it_has_the_chart_the_findings_and_the_warnings_but_no_other_table(report: Report) -> None:
    text = drawn(page_of(report))
    shown = [line for line in text.splitlines() if line in TITLES]
    assert shown == ["Overview", "Failed runs", "Findings", "Warnings"]
    assert re.search(r"^\d+ more tables and plots: ", text, re.MULTILINE)


def test_one_warning_that_does_not_fit_is_no_plural(report: Report) -> None:
    long = (Caveat(kind="busy", text="word " * 300),)
    text = drawn(page_of(msgspec.structs.replace(report, caveats=long)), 80, 24)
    assert "1 warning:" in text.replace("\n", " ")


def test_warnings_that_do_not_fit_are_counted(report: Report) -> None:
    long = tuple(Caveat(kind="busy", text="word " * 100) for _ in range(3))
    text = drawn(page_of(msgspec.structs.replace(report, caveats=long)), 80, 24)
    assert "Warnings" not in text
    assert f", 3 warnings: {MORE}" in " ".join(text.split())


def test_failed_runs_are_on_the_screen(report: Report) -> None:
    assert report.failures
    assert "SIGSEGV" in drawn(page_of(report))
    assert "SIGSEGV" in drawn(page_of(report), 80, 24)


def test_what_does_not_fit_is_counted(report: Report) -> None:
    many = tuple(Finding(kind="scaling", text=f"Finding number {number}.") for number in range(100))
    text = drawn(page_of(msgspec.structs.replace(report, findings=many, caveats=())))
    shown = re.findall(r"Finding number (\d+)", text)
    assert shown == [str(number) for number in range(len(shown))]
    assert f"and {100 - len(shown)} more" in text


def overview_of(page: Page) -> Table:
    (table,) = (part for part in page.parts if isinstance(part, Table) and part.title == "Overview")
    return table


def test_the_chart_shows_the_values_of_the_findings(report: Report) -> None:
    sections = overview_of(page_of(report)).sections
    assert [section.heading for section in sections] == [
        "2 threads: speedup over one",
        "1 added thread: throughput vs unloaded",
        "4 added threads: signals handled",
    ]
    rows = {row[0]: row for section in sections for row in section.rows}
    speedups = {
        (cell.case.workload, cell.case.interpreter): cell.value
        for cell in report.cells
        if cell.metric == "speedup" and cell.case.threads == 2
    }
    names = [column.title for column in overview_of(page_of(report)).columns if column.title]
    for workload in ("countdown", "sha256", "dict_write"):
        for name, entry in zip(names, rows[workload][1::2], strict=True):
            assert float(str(entry).removesuffix("x")) == pytest.approx(speedups[workload, name], rel=0.01)


def bars(section: Section) -> list[Bar]:
    return [entry for row in section.rows for entry in row if isinstance(entry, Bar)]


def test_bars_of_a_section_have_one_scale_and_end_where_the_intervals_end(report: Report) -> None:
    for section in overview_of(page_of(report)).sections:
        found = bars(section)
        assert found
        assert all(0 <= bar.share <= (bar.upper or 1.0) <= 1 for bar in found)
    speedups = overview_of(page_of(report)).sections[0]
    assert max(bar.upper or 0.0 for bar in bars(speedups)) == 1


def test_a_bar_shows_both_ends_and_is_never_empty() -> None:
    assert Bar(0.5, 0.75, 8).text == "████▒▒"
    assert Bar(0.0, 0.001, 8).text == "▒"
    assert Bar(1.0, length=4).text == "████"
    assert Bar(0.0, length=4).text == "█"


def test_a_study_of_one_thread_shows_speeds() -> None:
    builder = StudyBuilder([named("3.11"), named("3.13")], [make_workload("countdown", "cpu")])
    builder.work("countdown", "3.11", 100.0)
    builder.work("countdown", "3.13", 150.0)
    (section,) = overview_of(page_of(builder.report())).sections
    assert section.heading == "1 thread: speed relative to 3.11"


def test_a_study_without_runs_has_a_screen() -> None:
    builder = everything()
    builder.runs.clear()
    assert "only 0 blocks were finished" in drawn(page_of(builder.report()))


def test_an_interval_that_says_nothing_leaves_the_other_bars_their_length(report: Report) -> None:
    cells = tuple(
        msgspec.structs.replace(cell, lo=1e-13, hi=1e13)
        if (cell.metric, cell.case.threads, cell.case.workload) == ("speedup", 2, "countdown")
        else cell
        for cell in report.cells
    )
    section = overview_of(page_of(msgspec.structs.replace(report, cells=cells))).sections[0]
    lengths = {row[0]: max(bar.share for bar in row if isinstance(bar, Bar)) for row in section.rows}
    assert lengths["sha256"] > 0.5
