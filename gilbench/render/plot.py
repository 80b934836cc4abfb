"""Plots several series on common axes, as text. Intervals are whiskers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.text import Text

from gilbench.model.metrics import common_scale, write
from gilbench.render.page import Point

WIDTH, HEIGHT = 64, 12  # characters of a plot without its axis
_DECADE = 10.0  # largest / smallest value from which an axis is logarithmic
_MARKS = "●○◆◇■□▲△"
_BOTH = "✱"  # dots of several series in one place
_TOP, _LINE, _BOTTOM = "┬│┴"  # of an interval
_CUT = 3.0  # times the value, and its third part: where a longer or unknown interval is cut off
_APART = 2  # columns between the series at one x, so that their intervals do not meet


def plot_sweep(
    series: Mapping[str, Sequence[Point]],
    units: tuple[str, str],
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
    from_zero: bool = False,
) -> Text:
    """Draw several series, each with its mark, and a legend. An axis that covers a decade is logarithmic.

    Args:
        series: Points of each series by name. Only the first series are drawn, one per mark.
        units: Units of x and y; without a unit, x has no scale.
        width: Width in characters.
        height: Height in lines.
        from_zero: The y axis begins at 0.
    """
    named = list(zip(_MARKS, series, strict=False))
    drawn = {mark: _dots(series[name]) for mark, name in named}
    dots = [dot for found in drawn.values() for dot in found]
    if not dots:
        return Text("nothing to draw")
    with_intervals = any(dot.lo < dot.hi for dot in dots)
    shift = _shift(drawn.values(), width) if with_intervals else 0
    ends = [*([0.0] if from_zero else []), *(end for dot in dots for end in (dot.lo, dot.hi))]
    place_x = _PlotAxis([dot.x for dot in dots], width - shift * (len(drawn) - 1))
    lines = _draw(drawn, place_x, _PlotAxis(ends, height), shift, width)
    labelled = _labelled(lines, ends, units[1])
    margin = " " * len(labelled[0].partition("┤")[0])
    left, right = _bounds([dot.x for dot in dots], units[0])
    scale = [f"{margin} {left}{right:>{width - len(left)}}"] if units[0] else []
    legend = [f"{margin} {mark} {name}" for mark, name in named]
    if with_intervals:
        legend.append(f"{margin} {_TOP}{_BOTTOM} 95% interval, if longer than its mark")
    text = Text("\n".join([*labelled, f"{margin}└{'─' * width}", *scale, *legend]))
    text.highlight_regex(f"[{_TOP}{_LINE}{_BOTTOM}]", "dim")
    return text


class _Dot(NamedTuple):
    x: float
    y: float
    lo: float  # of the interval; without one: y
    hi: float
    ends: str  # how the lower and the upper end are drawn


def _dots(points: Sequence[Point]) -> list[_Dot]:
    """Return what can be drawn, with intervals that do not take all of the axis."""
    found = []
    for x, y, *given in points:
        if math.isfinite(x) and math.isfinite(y):
            lo, hi = given if given and not any(map(math.isnan, given)) else (y, y)
            far = y * _CUT if y > 0 else hi if math.isfinite(hi) else y
            low, high = min(max(lo, y / _CUT), y), max(min(hi, far), y)
            ends = (_BOTTOM if lo == low else _LINE) + (_TOP if hi == high else _LINE)
            found.append(_Dot(x, y, low, high, ends))
    return found


def _shift(series: Iterable[Sequence[_Dot]], width: int) -> int:
    """Return the columns between two series at one x: fewer if the points of one x would meet those of the next."""
    found = list(series)
    columns = len({dot.x for dots in found for dot in dots}) * len(found)
    return min(_APART, width // columns) if len(found) > 1 else 0


class _PlotAxis:
    """Maps values to positions on an axis of some characters. One that covers a decade is logarithmic."""

    def __init__(self, figures: Sequence[float], size: int) -> None:
        logarithmic = min(figures) > 0 and max(figures) / min(figures) >= _DECADE
        self._scale = math.log if logarithmic else float
        self.size = size
        self._low, self._high = (self._scale(bound(figures)) for bound in (min, max))

    def __call__(self, figure: float) -> int:
        if self._high <= self._low:
            return self.size // 2
        return round((self._scale(figure) - self._low) / (self._high - self._low) * (self.size - 1))


def _draw(
    series: Mapping[str, Sequence[_Dot]], place_x: _PlotAxis, place_y: _PlotAxis, shift: int, width: int
) -> list[str]:
    lines = [[" "] * width for _ in range(place_y.size)]
    placed = [
        (mark, place_x(dot.x) + number * shift, dot)
        for number, (mark, dots) in enumerate(series.items())
        for dot in dots
    ]
    for _, column, dot in placed:
        for row, letter in _whisker(dot, place_y):
            lines[row][column] = letter
    for mark, column, dot in placed:
        row = place_y(dot.y)
        there = lines[row][column]
        lines[row][column] = _BOTH if there in {*series, _BOTH} - {mark} else mark
    return ["".join(line).rstrip() for line in reversed(lines)]


def _whisker(dot: _Dot, place_y: _PlotAxis) -> Iterator[tuple[int, str]]:
    """Yield the lines of an interval from its bottom, and what is drawn there; the mark is drawn over it."""
    bottom, middle, top = map(place_y, (dot.lo, dot.y, dot.hi))
    for row in range(bottom, top + 1):
        end = dot.ends[0] if row == bottom < middle else dot.ends[1] if row == top > middle else _LINE
        yield row, end


def _labelled(lines: Sequence[str], values: Sequence[float], unit: str) -> list[str]:
    low, high = _bounds(values, unit)
    labels = {0: high, len(lines) - 1: low}
    margin = max(map(len, labels.values()))
    return [f"{labels.get(row, ''):>{margin}} ┤{dots}" for row, dots in enumerate(lines)]


def _bounds(values: Sequence[float], unit: str) -> tuple[str, str]:
    """Return the smallest and the largest value, in one unit."""
    ends = min(values), max(values)
    scale = common_scale(ends, unit)
    return write(ends[0], unit, scale), write(ends[1], unit, scale)
