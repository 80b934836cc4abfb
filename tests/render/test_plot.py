from __future__ import annotations

import math

import pytest

from gilbench.render.plot import plot_sweep


@pytest.mark.parametrize("values", [[], [1.0], [math.inf, math.nan], [1.0, 1.0, 1.0], [1.0, math.inf, 3.0]])
def test_any_series_can_be_drawn(values: list[float]) -> None:
    drawn = plot_sweep({"": list(enumerate(values))}, ("", "x")).plain
    assert drawn.partition("└")[0].count("●") == sum(map(math.isfinite, values))
    assert ("nothing" in drawn) == (not any(map(math.isfinite, values)))


def dots(drawn: str, mark: str) -> list[tuple[int, int]]:
    """Column and line of each dot, the axis at the left taken off."""
    lines = [line.partition("┤")[2] for line in drawn.splitlines() if "┤" in line]
    return sorted(
        (column, row)
        for row, line in enumerate(lines)
        for column, letter in enumerate(line)
        if letter == mark
    )


def test_over_decades_equal_factors_are_equal_steps() -> None:
    drawn = plot_sweep(
        {"one": [(1e-4, 10.0), (1e-3, 100.0), (1e-2, 1000.0)]}, ("s", "1/s"), width=41, height=5
    )
    assert dots(drawn.plain, "●") == [(0, 4), (20, 2), (40, 0)]


def test_within_a_decade_equal_differences_are_equal_steps() -> None:
    drawn = plot_sweep({"one": [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]}, ("1", "1"), width=41, height=5)
    assert dots(drawn.plain, "●") == [(0, 4), (20, 2), (40, 0)]


def test_each_series_has_its_mark_and_where_two_meet_both_are_named() -> None:
    drawn = plot_sweep(
        {"one": [(1, 1), (2, 2)], "two": [(1, 1), (2, 1)]}, ("1", "1"), width=11, height=3
    ).plain
    assert dots(drawn, "✱") == [(0, 2)]
    assert dots(drawn, "●") == [(10, 0)]
    assert dots(drawn, "○") == [(10, 2)]
    assert drawn.splitlines()[-2:] == ["      ● one", "      ○ two"]


def test_what_is_not_finite_is_left_out() -> None:
    drawn = plot_sweep({"one": [(1, 1), (2, math.inf)], "two": [(math.nan, 1)]}, ("1", "1"), height=3).plain
    assert len(dots(drawn, "●")) == 1
    assert "nothing" in plot_sweep({"one": []}, ("1", "1")).plain


def test_it_fits_into_80_columns() -> None:
    drawn = plot_sweep({"one": [(1e-6, 1e9), (1.0, 123456.789)]}, ("s", "1/s")).plain
    assert max(map(len, drawn.splitlines())) <= 80
