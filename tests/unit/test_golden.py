"""Each table as it is written. Made anew by: pytest tests/unit/test_golden.py --regenerate."""

from __future__ import annotations

import functools
import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from studies import everything

from gilbench.model import Report
from gilbench.render import terminal
from gilbench.render.plan import plan_table

GOLDEN = Path(__file__).parent.parent / "golden"
WIDTHS = (80, 160)
TABLES = {
    "scaling_cpu": "Scaling, cpu",
    "scaling_offgil": "Scaling, offgil",
    "scaling_shared": "Scaling, shared",
    "service_throughput": "one request after the other",
    "service_latency": "latency of requests",
    "signals": "Signals from another process",
    "one_thread": "One thread: speed relative",
    "system": "CPU, context switches",
    "stacks": "Who held the GIL",
    "failures": "Runs that failed",
    "findings": "What was found",
    "warnings": "Before you believe it",
}
PROFILES = ("contended", "free_threaded", "sampled")  # of test_profile_output
HOSTILE = {
    "markup": "[red]x[/red][/nonsense]",
    "escape": "\x1b[31mred\x1b]0;title\x07",
    "lines": "one\ntwo\r\nthree\ttab",
    "long": "n" * 300,
    "wide": "\u6f22" * 60 + "\u202e",
}


@pytest.fixture(scope="module")
def report() -> Report:
    return everything().report()


def written(report: Report, columns: int, **how: bool | str) -> str:
    """What the terminal shows; a terminal with colours only where it is asked for."""
    file = io.StringIO()
    terminal.render_terminal(report, Console(file=file, width=columns, highlight=False, **how))  # type: ignore[arg-type]
    return file.getvalue()


def section(text: str, title: str) -> str:
    """One table or list of a report, from its title to the next one."""
    lines = text.splitlines()
    starts = [
        number
        for number, line in enumerate(lines)
        if line[:1].strip() and (not number or not lines[number - 1])
    ]
    begin = next(number for number in starts if title in lines[number])
    end = next((number for number in starts if number > begin), len(lines))
    return "\n".join(line.rstrip() for line in lines[begin:end]).rstrip() + "\n"


def compare(name: str, text: str, *, regenerate: bool) -> None:
    path = GOLDEN / name
    if regenerate:
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8"), f"{name} has changed; --regenerate if it is meant to"


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("table", TABLES)
def test_each_table_is_written_as_before(report: Report, table: str, columns: int, regenerate: bool) -> None:
    text = section(written(report, columns), TABLES[table])
    compare(f"{table}_{columns}.txt", text, regenerate=regenerate)


@pytest.mark.parametrize("columns", WIDTHS)
def test_the_whole_report_and_the_plan_are_written_as_before(
    report: Report, columns: int, regenerate: bool
) -> None:
    file = io.StringIO()
    Console(file=file, width=columns, highlight=False).print(plan_table(report.header))
    trimmed = [line.rstrip() for line in (written(report, columns) + file.getvalue()).splitlines()]
    compare(f"report_{columns}.txt", "\n".join(trimmed) + "\n", regenerate=regenerate)


def test_there_is_no_golden_file_that_no_test_reads() -> None:
    profiles = (f"profile_{name}" for name in PROFILES)
    made = {f"{table}_{columns}.txt" for table in (*TABLES, "report", *profiles) for columns in WIDTHS}
    assert {path.name for path in GOLDEN.iterdir()} == made


@pytest.mark.parametrize("columns", [40, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal(report: Report, columns: int) -> None:
    assert max(cell_len(line) for line in written(report, columns).splitlines()) <= columns


def test_at_80_columns_no_figure_is_cut(report: Report) -> None:
    text = written(report, 80)
    assert "…" not in text
    assert "1.95x" in section(text, TABLES["scaling_cpu"])


def test_every_interval_of_a_shown_figure_is_shown(report: Report) -> None:
    table = section(written(report, 80), TABLES["scaling_cpu"])
    assert "speed-up" not in table
    figures = [line for line in table.splitlines() if "x" in line.partition("3.")[2]]
    assert figures
    assert all("±" in line or "(" in line for line in figures)


def test_a_pipe_and_no_color_get_no_escape_sequence(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in written(report, 80)
    assert "\x1b[32m" in written(report, 80, force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    bare = written(report, 80, force_terminal=True)
    assert "\x1b[3" not in bare


def test_colour_changes_no_letter(report: Report) -> None:
    coloured = written(report, 80, force_terminal=True, color_system="standard")
    assert Text.from_ansi(coloured).plain.split() == written(report, 80).split()


@functools.cache
def hostile_report(kind: str) -> Report:
    name = HOSTILE[kind]
    usual = ("3.11", "3.13t", "pypy3.9", "countdown", "sha256", "tcp_echo_cpu", "delivery", "dict_write")
    hostile = everything(names={one: f"{number}{name}" for number, one in enumerate(usual)})
    hostile.fail(0, "crash", name)
    hostile.warnings = (name,)
    return hostile.report()


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_name_is_shown_and_does_no_harm(kind: str, columns: int) -> None:
    name, report = HOSTILE[kind], hostile_report(kind)
    for how in ({}, {"force_terminal": True, "no_color": True}):
        text = written(report, columns, **how)
        lines = text.replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "").split("\n")
        assert not {letter for line in lines for letter in line if not letter.isprintable()}
        assert max(map(cell_len, lines)) <= columns
    if kind == "markup":
        assert f"0{name}" in text


def test_a_study_without_runs_is_a_report_without_tables() -> None:
    builder = everything()
    builder.runs.clear()
    text = written(builder.report(), 80)
    assert "Scaling" not in text
    assert "What was found" not in text
    assert "only 0 block(s)" in text
