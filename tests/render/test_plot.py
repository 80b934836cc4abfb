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


# --- intervals ------------------------------------------------------------------------------------------


def column(drawn: str, mark: str) -> str:
    """What is drawn in the column of a mark, from the top."""
    ((place, _),) = dots(drawn, mark)
    lines = [line.partition("┤")[2] for line in drawn.splitlines() if "┤" in line]
    return "".join(line[place : place + 1] or " " for line in lines)


def test_an_interval_is_a_whisker_with_both_ends_on_the_axis() -> None:
    drawn = plot_sweep({"one": [(1, 3.0, 2.0, 5.0)]}, ("1", "1"), width=9, height=7).plain
    assert column(drawn, "●") == "┬│││●│┴"
    assert [line.partition("┤")[0].strip() for line in drawn.splitlines() if "┤" in line][::6] == [
        "5.00",
        "2.00",
    ]
    assert "95% interval" in drawn


def test_without_intervals_nothing_is_said_of_them() -> None:
    drawn = plot_sweep({"one": [(1, 3.0), (2, 4.0)], "two": [(1, 3.0, 3.0, 3.0)]}, ("1", "1")).plain
    assert "interval" not in drawn
    assert not set("┬│┴") & set(drawn)


def test_series_with_intervals_stand_beside_each_other() -> None:
    series = {name: [(1, 2.0, 1.0, 3.0), (2, 2.0, 1.0, 3.0)] for name in ("one", "two", "three")}
    drawn = plot_sweep(series, ("1", "1"), width=41, height=5).plain
    places = {mark: [place for place, _ in dots(drawn, mark)] for mark in "●○◆"}
    assert places == {"●": [0, 36], "○": [2, 38], "◆": [4, 40]}
    assert "✱" not in drawn


def test_where_there_is_no_room_beside_each_other_they_meet_as_before() -> None:
    series = {name: [(x, 2.0, 1.0, 3.0) for x in range(12)] for name in ("one", "two")}
    drawn = plot_sweep(series, ("1", "1"), width=12, height=5).plain
    assert len(dots(drawn, "✱")) == 12
    assert max(map(len, drawn.splitlines()[:5])) <= len("3.00 ┤") + 12


@pytest.mark.parametrize("ends", [(1e-14, 1e14), (-math.inf, math.inf), (0.001, math.inf), (-5.0, 900.0)])
def test_an_interval_that_says_nothing_is_cut_off_and_does_not_flatten_the_others(
    ends: tuple[float, float],
) -> None:
    drawn = plot_sweep({"one": [(1, 2.0, *ends), (2, 3.0, 2.9, 3.1)]}, ("1", "1"), height=12).plain
    rows = sorted(row for _, row in dots(drawn, "●"))
    assert rows[0] < rows[1], "the two values can still be told apart"
    assert "┬" not in drawn.partition("└")[0]
    assert "┴" not in drawn.partition("└")[0]
    assert "│" in drawn.partition("└")[0]


@pytest.mark.parametrize(
    "point",
    [(1, 2.0, math.nan, 3.0), (1, 0.0, 0.0, 1.5), (1, 0.0, -math.inf, math.inf), (1, -2.0, -3.0, -1.0)],
)
def test_any_interval_can_be_drawn(point: tuple[float, ...]) -> None:
    drawn = plot_sweep({"one": [point, (2, 1.0)]}, ("1", "1")).plain
    assert drawn.partition("└")[0].count("●") == 2


def test_an_axis_of_shares_begins_at_0() -> None:
    points = {"held": ((0.0, 0.995), (1.0, 1.005))}
    near = plot_sweep(points, ("s", "fraction"), from_zero=True).plain.splitlines()
    assert near[11].startswith("  0%")
    assert not any("●" in line for line in near[1:12])
    far = plot_sweep(points, ("s", "fraction")).plain.splitlines()
    assert "●" in far[0]
    assert "●" in far[11]
