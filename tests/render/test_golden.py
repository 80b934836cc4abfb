"""The pages of studies and comparisons. Made anew by: pytest tests/render/test_golden.py --regenerate."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import profiles
import pytest
from golden import GOLDEN, compare, written
from markdown_it import MarkdownIt
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from studies import StudyBuilder, everything, make_workload, named

from gilbench.analyse.study.caveats import caveats
from gilbench.analyse.study.comparisons import compare_interpreters, compare_studies
from gilbench.model.results import Caveat, Comparisons, Finding, Report
from gilbench.model.study import Case, Study
from gilbench.render.formats import page_of
from gilbench.render.page import Sentences
from gilbench.render.terminal import show

WIDTHS = (80, 160)
FORMATS = ("terminal", "markdown", "json", "csv")
HOSTILE = {
    "markup": "[red]x[/red][/nonsense]",
    "html": "<script>alert(1)</script> **x** [a](http://b.c) | `x` @y #1",
    "formula": "=HYPERLINK(1)",
    "escape": "\x1b[31mred\x1b]0;title\x07",
    "lines": "one\ntwo\r\nthree\ttab",
    "long": "n" * 300,
    "wide": "\u6f22" * 60 + "\u202e",
}


@pytest.fixture(scope="module")
def report() -> Report:
    return everything().report()


def compared(study: Study) -> Comparisons:
    return Comparisons(rows=compare_interpreters(study), caveats=caveats(study), threshold=0.02, fdr=0.05)


def in_terminal(result: object, columns: int, **how: Any) -> str:
    """What a terminal shows; one with colors only if they are requested."""
    file = io.StringIO()
    show(page_of(result), Console(file=file, width=columns, highlight=False, **how))
    return file.getvalue()


def part(text: str, title: str) -> str:
    """One table or list of a page, from its title to the next one."""
    lines = text.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith(title))
    starts = (number for number in range(begin + 1, len(lines)) if lines[number][:1].strip())
    ends = (number for number in starts if not lines[number - 1])
    return "\n".join(lines[begin : next(ends, len(lines))])


def result_of(kind: str, builder: StudyBuilder) -> Report | Comparisons:
    return builder.report() if kind == "study" else compared(builder.study())


@pytest.mark.parametrize("columns", WIDTHS)
def test_pages_are_written_as_before(columns: int, regenerate: bool) -> None:
    builder = everything()
    compare(f"study_{columns}.txt", written(builder.report(), "terminal", columns), regenerate=regenerate)
    text = written(compared(builder.study()), "terminal", columns)
    compare(f"comparisons_{columns}.txt", text, regenerate=regenerate)


def test_pages_are_written_as_before_in_markdown(regenerate: bool) -> None:
    builder = everything()
    compare("study.md", written(builder.report(), "markdown"), regenerate=regenerate)
    compare("comparisons.md", written(compared(builder.study()), "markdown"), regenerate=regenerate)


def test_there_is_no_golden_file_that_no_test_reads() -> None:
    sources = [
        *GOLDEN.parent.glob("render/test_*.py"),
        *GOLDEN.parent.glob("plan/test_*.py"),
        *Path(profiles.__file__).parent.glob("*.py"),
    ]
    known = set(re.findall(r"[a-z]+", "".join(path.read_text("utf-8") for path in sources)))
    assert not [path.name for path in GOLDEN.iterdir() if set(re.findall("[a-z]+", path.stem)) - known]


@pytest.mark.parametrize("kind", ["study", "comparisons"])
@pytest.mark.parametrize("columns", [40, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal(kind: str, columns: int) -> None:
    text = in_terminal(result_of(kind, everything()), columns)
    assert max(cell_len(line) for line in text.splitlines()) <= columns


def test_at_80_columns_no_figure_is_cut(report: Report) -> None:
    text = in_terminal(report, 80)
    assert "…" not in text
    assert "1.95x" in part(text, "Scaling, cpu")


def test_every_interval_of_a_shown_figure_is_shown(report: Report) -> None:
    lines = part(in_terminal(report, 80), "Scaling, cpu").splitlines()
    figures = [line for line in lines if "x" in line.partition("3.")[2]]
    assert figures
    assert all("±" in line or "(" in line for line in figures)


def test_rows_that_continue_below_keep_their_thread_counts(report: Report) -> None:
    first, *others = part(in_terminal(report, 60), "Signal latency").split("continued")
    assert others
    assert all("threads" in text and re.search(r"pypy3.9 +4 ", text) for text in (first, *others))


def test_a_column_of_a_workload_has_one_unit(report: Report) -> None:
    loaded = part(in_terminal(report, 160), "I/O with added threads: latency").partition("tcp_echo_cpu")[2]
    assert "20.9 ms" in loaded
    assert "0.109 ms" in loaded
    assert "µs" not in loaded


def test_only_wide_terminals_show_every_percentile(report: Report) -> None:
    wide, narrow = (part(in_terminal(report, columns), "Signal latency") for columns in (160, 80))
    assert "p90" in wide
    assert "p90" not in narrow
    assert "p99.9" not in wide  # no row has it


def test_a_pipe_and_no_color_get_no_escape_sequence(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in in_terminal(report, 80)
    assert "\x1b[32m" in in_terminal(report, 80, force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in in_terminal(report, 80, force_terminal=True)


def test_color_changes_no_letter(report: Report) -> None:
    colored = in_terminal(report, 80, force_terminal=True, color_system="standard")
    assert Text.from_ansi(colored).plain.split() == in_terminal(report, 80).split()


@functools.cache
def hostile(kind: str) -> StudyBuilder:
    name = HOSTILE[kind]
    usual = ("3.11", "3.13t", "pypy3.9", "countdown", "sha256", "tcp_echo_cpu", "delivery", "dict_write")
    builder = everything(names={one: f"{name}{number}" for number, one in enumerate(usual)})
    builder.fail(0, "crash", name)
    builder.warnings = (name,)
    return builder


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", ["study", "comparisons"])
def test_a_hostile_name_is_shown_and_does_no_harm(kind: str, name: str, columns: int) -> None:
    result = result_of(kind, hostile(name))
    for how in ({}, {"force_terminal": True, "no_color": True}):
        text = in_terminal(result, columns, **how)
        lines = text.replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "").split("\n")
        assert not {letter for line in lines for letter in line if not letter.isprintable()}
        assert max(map(cell_len, lines)) <= columns
    if name == "markup":
        assert f"{HOSTILE[name]}0" in "".join(text.split())


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", ["study", "comparisons"])
def test_a_hostile_name_is_nothing_but_text_in_markdown(kind: str, name: str) -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(
        written(result_of(kind, hostile(name)), "markdown")
    )
    inline = [child.type for token in tokens for child in token.children or ()]
    assert set(inline) <= {"text", "code_inline", "strong_open", "strong_close"}
    blocks = {token.type.removesuffix("_open").removesuffix("_close") for token in tokens}
    assert blocks <= {
        *("heading", "paragraph", "inline", "fence", "bullet_list", "list_item"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", ["study", "comparisons"])
def test_a_hostile_name_comes_back_from_json_and_is_no_formula_in_csv(kind: str, name: str) -> None:
    result = result_of(kind, hostile(name))
    said = json.loads(written(result, "json"))
    assert HOSTILE[name] in said["warnings"]
    rows = list(csv.reader(io.StringIO(written(result, "csv"), newline="")))
    assert len({len(row) for row in rows}) == 1
    assert not [text for row in rows for text in row if text.startswith(("=", "+", "@"))]


def test_a_study_as_json_has_the_promised_fields(report: Report) -> None:
    said = json.loads(written(report, "json"))
    assert set(said) == {
        *("kind", "schema", "gilbench", "created", "host", "profile", "reference", "seed", "interpreters"),
        "short_slices",
        *("cells", "findings", "caveats", "warnings", "failures"),
    }
    assert (said["kind"], said["schema"], said["profile"]["name"]) == ("study", 1, "quick")
    assert {*Case.__struct_fields__, "family", "metric", "value", "lo", "hi"} < said["cells"][0].keys()
    assert said["findings"][0].keys() == {"kind", "text", "subject", "next", "cells"}
    assert said["findings"][0]["cells"][0] in said["cells"]
    assert [caveat["text"] for caveat in said["caveats"]] == said["warnings"]
    assert {"workload", "kind", "message", "output"} < said["failures"][0].keys()
    assert None in [cell["value"] for cell in said["cells"]]  # never handled: infinitely late


def test_csv_has_a_row_for_each_value(report: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(written(report, "csv"))))
    assert len(rows) == len(report.cells)
    assert rows[0]["workload"] == "countdown"
    assert float(rows[0]["value"]) == report.cells[0].value
    assert {row["parameters"] for row in rows} >= {"{}", '{"main":"busy"}'}


def test_a_study_without_runs_is_a_page_without_tables() -> None:
    builder = everything()
    builder.runs.clear()
    text = in_terminal(builder.report(), 80)
    assert "Scaling" not in text
    assert "Findings" not in text
    assert "only 0 blocks were finished" in text
    assert written(builder.report(), "csv") == ""


def test_next_steps_are_given_once(report: Report) -> None:
    (steps,) = [
        one for one in page_of(report).parts if isinstance(one, Sentences) and one.title == "Next steps"
    ]
    said: tuple[Finding | Caveat, ...] = (*report.findings, *report.caveats)
    wanted = {one.next for one in said} - {None}
    assert len(steps.items) == len(wanted)
    assert set(steps.items) == wanted


def test_a_thread_pool_is_no_added_thread() -> None:
    builder = StudyBuilder([named("3.13")], [make_workload("pool", "mixed", quiet_case=False)])
    builder.serve("pool", "3.13", [1e-3] * 20, threads=4, rate=100.0)
    assert "pool of 4" in in_terminal(builder.report(), 80)


def test_comparisons_have_a_section_for_each_metric() -> None:
    result = compared(everything().study())
    text = in_terminal(result, 80)
    section = text.partition("countdown speedup vs 3.11")[2].partition(" vs ")[0]
    assert re.search(r" 3.13t +2 +1.99 \(1.9\d-2.0\d\) +improved", section)
    assert "throughput" not in section.splitlines()[1]
    assert f"{len(result.rows)} comparisons: " in text
    assert "Not paired" not in text


def _without_reference(study: Study) -> Study:
    plan = msgspec.structs.replace(study.header.plan, reference="another")
    return msgspec.structs.replace(study, header=msgspec.structs.replace(study.header, plan=plan))


def test_unpaired_comparisons_are_marked() -> None:
    study = everything().study()
    rows = compare_studies(study, _without_reference(study))
    assert not any(row.paired for row in rows)
    note = Caveat(kind="host", text="the kernel changed")
    text = in_terminal(Comparisons(rows=rows, caveats=(note,), threshold=0.02, fdr=0.05), 80)
    assert re.search(r" 3.11 \* .* inconclusive, unpaired", text)
    assert "* Unpaired" in text
    assert "the kernel changed" in text


def test_comparisons_as_json_and_csv_are_flat() -> None:
    result = compared(everything().study())
    said = json.loads(written(result, "json"))
    assert set(said) == {"kind", "comparisons", "caveats", "warnings", "threshold", "fdr"}
    assert (said["kind"], said["threshold"], said["fdr"]) == ("comparison", 0.02, 0.05)
    assert {*Case.__struct_fields__, "reference", "ratio", "verdict", "paired"} < said["comparisons"][
        0
    ].keys()
    rows = list(csv.DictReader(io.StringIO(written(result, "csv"))))
    assert [row["verdict"] for row in rows] == [row.verdict for row in result.rows]
