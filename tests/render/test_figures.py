from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gilbench.model.results import Cell
from gilbench.model.study import Case
from gilbench.render.figures import case_name, with_intervals, without_intervals
from gilbench.render.guard import printable
from gilbench.render.terminal import styled


def make_cell(value: float, lo: float | None = None, hi: float | None = None, unit: str = "x") -> Cell:
    return Cell(
        case=Case(workload="countdown", interpreter="3.13", threads=1),
        family="cpu",
        metric="speedup",
        unit=unit,
        better="higher",
        value=value,
        lo=lo,
        hi=hi,
        blocks=4,
    )


def figure(value: float, lo: float | None, hi: float | None, unit: str = "x") -> str:
    (text,) = with_intervals([make_cell(value, lo, hi, unit)])
    return text


@pytest.mark.parametrize(
    ("value", "lo", "hi", "unit", "text"),
    [
        (1.98, 1.94, 2.02, "x", "1.98x ±2%"),
        (1.98, 1.9750, 1.9850, "x", "1.98x ±0.3%"),
        (1.0, 0.9996, 1.0004, "x", "1.00x ±0.04%"),
        (3.1, 2.0, 4.7, "x", "3.10x (2.0-4.7)"),
        (1.0, 0.8, 1.05, "x", "1.00x (0.80-1.1)"),  # lopsided
        (1234.0, 1200.0, 1268.0, "1/s", "1.23 k/s ±3%"),
        (0.65, 0.61, 0.69, "fraction", "65.0% ±4.0"),
        (0.25, 0.10, 0.60, "fraction", "25.0% (10-60)"),
        (1.0, 0.92, 1.0, "fraction", "100% (92-100)"),  # never more than all
        (1.0, 0.9962, 1.0, "fraction", "100% (99.6-100)"),  # no interval of no width
        (0.0052, 0.0040, math.inf, "s", "5.20 ms (4.0-∞)"),
        (0.000119, 0.0001195, math.inf, "s", "119 µs (120-∞)"),
        (0.000119, 0.0001189, math.inf, "s", "119 µs (119-∞)"),  # never above the figure
        (math.inf, 0.0052, math.inf, "s", "∞ (5.20 ms-∞)"),
        (math.inf, math.inf, math.inf, "s", "∞"),
        (0.0052, -math.inf, 0.009, "s", "5.20 ms (0-9.0)"),
        (2.0, -1.0, 5.0, "1/s", "2.00 /s (0-5.0)"),  # no rate is below zero
        (0.0, 0.0, 0.0, "1/s", "0 /s (0-0)"),
        (0.0, 0.0, 1.5, "fraction", "0% (0-150)"),
        (7.71, 4.9e-13, 1.2e14, "1/s", "7.71 /s (undetermined)"),
        (7.71, -3.0, 900.0, "x", "7.71x (undetermined)"),
        (7.71, 0.07, 700.0, "x", "7.71x (0.070-700)"),
        (7.71, 0.0, 700.0, "x", "7.71x (0-700)"),  # it is at most 700
        (0.009, 0.0, 1.0, "fraction", "0.900% (0-100)"),  # as is a share
        (0.009, 0.0, 1.1, "fraction", "0.900% (undetermined)"),
        (1.98, None, None, "x", "1.98x"),
        (1.98, 1.9, None, "x", "1.98x"),
        (math.inf, None, None, "s", "∞"),
        (math.nan, None, None, "s", "-"),
    ],
)
def test_a_figure_is_written_with_its_interval(
    value: float, lo: float | None, hi: float | None, unit: str, text: str
) -> None:
    assert figure(value, lo, hi, unit) == text


def test_a_figure_that_was_not_taken_is_a_dash() -> None:
    assert with_intervals([None]) == without_intervals([None]) == ["-"]


@pytest.mark.parametrize(
    ("values", "unit", "texts"),
    [
        ((21000.0, 62.6), "1/s", ["21.0 k/s", "0.0626 k/s"]),
        ((62.6, 44.8), "1/s", ["62.6 /s", "44.8 /s"]),
        ((0.0204, 0.000109), "s", ["20.4 ms", "0.109 ms"]),
        ((2.0, 0.00003), "s", ["2000 ms", "0.0300 ms"]),  # 0.0000300 s could not be read
        ((650.0, 1e-7), "s", ["650 s", "0.000000100 s"]),  # nor could 650000 ms
        ((math.inf, 0.0204), "s", ["∞", "20.4 ms"]),
        ((0.0, 21000.0), "1/s", ["0 k/s", "21.0 k/s"]),
        ((3 * 2.0**20, 2.0**30), "B", ["0.00293 GiB", "1.00 GiB"]),
        ((0.5, 0.001), "fraction", ["50.0%", "0.100%"]),
        ((), "s", []),
    ],
)
def test_a_column_has_one_unit(values: tuple[float, ...], unit: str, texts: list[str]) -> None:
    cells = [make_cell(value, unit=unit) for value in values]
    assert with_intervals(cells) == without_intervals(cells) == texts


def test_ends_of_intervals_have_the_unit_of_their_column() -> None:
    cells = [make_cell(21000.0, unit="1/s"), None, make_cell(62.6, 37.0, 110.0, "1/s"), make_cell(2.0)]
    assert with_intervals(cells) == ["21.0 k/s", "-", "0.0626 k/s (0.037-0.11)", "2.00x"]
    never = [make_cell(0.0204, unit="s"), make_cell(math.inf, 0.00052, math.inf, "s")]
    assert with_intervals(never) == ["20.4 ms", "∞ (0.520 ms-∞)"]


@given(
    st.floats(1e-12, 1e12),
    st.floats(0, 1),
    st.floats(1, 1e6),
    st.sampled_from(["x", "s", "1/s", "B", "fraction", "cores"]),
)
def test_an_interval_is_always_shown_and_short(value: float, below: float, above: float, unit: str) -> None:
    text = figure(value, value * below, value * above, unit)
    assert ("±" in text) != ("(" in text)
    assert "nan" not in text
    assert "e" not in text.replace("(undetermined)", "")


def test_a_case_is_named_by_its_workload_and_what_differs() -> None:
    assert case_name("delivery", ()) == "delivery"
    assert case_name("delivery", (("main", "busy"), ("rate", 4))) == "delivery main=busy, rate=4"


@given(st.text())
def test_text_from_outside_is_one_line_that_moves_nothing(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert all(letter.isprintable() for letter in shown)
    assert shown == text or not text.isprintable()


def test_markup_from_outside_is_no_markup() -> None:
    assert styled("[red]x[/red]", "strong").plain == "[red]x[/red]"
    assert not styled("[red]x[/red]").spans
