"""Plots several series on common axes, as text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.text import Text

from gilbench.model.metrics import common_scale, write

WIDTH, HEIGHT = 64, 12  # characters of a plot without its axis
_DECADE = 10.0  # largest / smallest value from which an axis is logarithmic
_MARKS = "●○◆◇■□▲△"
_BOTH = "✱"  # dots of several series in one place

Point = tuple[float, float]  # x, y


def plot_sweep(
    series: Mapping[str, Sequence[Point]],
    units: tuple[str, str],
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> Text:
    """Draw several series, each with its mark, and a legend. An axis that covers a decade is logarithmic.

    Args:
        series: Points of each series by name. Only the first series are drawn, one per mark.
        units: Units of x and y; without a unit, x has no scale.
        width: Width in characters.
        height: Height in lines.
    """
    named = list(zip(_MARKS, series, strict=False))
    points = [point for name in series for point in series[name] if all(map(math.isfinite, point))]
    if not points:
        return Text("nothing to draw")
    axes = [
        _PlotAxis([point[side] for point in points], size, logarithmic=_spans_decades(points, side))
        for side, size in ((0, width), (1, height))
    ]
    lines = _draw({mark: series[name] for mark, name in named}, *axes)
    labelled = _labelled(lines, points, units[1])
    margin = len(labelled[0].partition("┤")[0])
    left, right = _bounds([x for x, _ in points], units[0])
    scale = f"{' ' * margin}└{'─' * width}\n{' ' * margin} {left}{right:>{width - len(left)}}"
    legend = (f"{' ' * margin} {mark} {name}" for mark, name in named)
    return Text("\n".join([*labelled, scale if units[0] else scale.partition("\n")[0], *legend]))


class _PlotAxis:
    """Maps values to positions on an axis of some characters."""

    def __init__(self, figures: Sequence[float], size: int, *, logarithmic: bool) -> None:
        self._scale = math.log if logarithmic else float
        self.size = size
        self._low, self._high = (self._scale(bound(figures)) for bound in (min, max))

    def __call__(self, figure: float) -> int:
        if self._high <= self._low:
            return self.size // 2
        return round((self._scale(figure) - self._low) / (self._high - self._low) * (self.size - 1))


def _spans_decades(points: Sequence[Point], side: int) -> bool:
    figures = [point[side] for point in points]
    return min(figures) > 0 and max(figures) / min(figures) >= _DECADE


def _draw(series: Mapping[str, Sequence[Point]], place_x: _PlotAxis, place_y: _PlotAxis) -> list[str]:
    lines = [[" "] * place_x.size for _ in range(place_y.size)]
    for mark, points in series.items():
        for x, y in points:
            if math.isfinite(x) and math.isfinite(y):
                row, column = place_y.size - 1 - place_y(y), place_x(x)
                lines[row][column] = mark if lines[row][column] in {" ", mark} else _BOTH
    return ["".join(line).rstrip() for line in lines]


def _labelled(lines: Sequence[str], points: Sequence[Point], unit: str) -> list[str]:
    low, high = _bounds([y for _, y in points], unit)
    labels = {0: high, len(lines) - 1: low}
    margin = max(map(len, labels.values()))
    return [f"{labels.get(row, ''):>{margin}} ┤{dots}" for row, dots in enumerate(lines)]


def _bounds(values: Sequence[float], unit: str) -> tuple[str, str]:
    """Return the smallest and the largest value, in one unit."""
    ends = min(values), max(values)
    scale = common_scale(ends, unit)
    return write(ends[0], unit, scale), write(ends[1], unit, scale)
