"""Dots on a terminal: a series of values, or several against a common axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.text import Text

from gilbench.metrics import write

WIDTH, HEIGHT = 64, 12  # characters of a plot without its axis
_DECADE = 10.0  # largest / smallest from which an axis is logarithmic
_MARKS = "●○◆◇■□▲△"
_BOTH = "✱"  # where dots of several series fall together

Point = tuple[float, float]  # x, y


def plot_series(values: Sequence[float], unit: str, width: int = WIDTH, height: int = HEIGHT) -> Text:
    """Draw values as dots, the oldest to the left; what is not finite is left out."""
    points = [(float(place), value) for place, value in enumerate(values) if math.isfinite(value)]
    if not points:
        return Text("nothing to draw")
    place_x = _axis([0.0, float(len(values) - 1)], width, logarithmic=False)
    place_y = _axis([y for _, y in points], height, logarithmic=False)
    lines = _draw({"•": points}, place_x, place_y)
    return Text("\n".join(_labelled(lines, points, unit)))


def plot_sweep(
    series: Mapping[str, Sequence[Point]],
    units: tuple[str, str],
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> Text:
    """Draw several series against one axis, each with its mark and a legend; axes over decades are logarithmic.

    Args:
        series: Points of each by its name; at most as many as there are marks are drawn.
        units: Of x and of y.
        width: Characters.
        height: Lines.
    """
    named = list(zip(_MARKS, series, strict=False))
    points = [point for name in series for point in series[name] if all(map(math.isfinite, point))]
    if not points:
        return Text("nothing to draw")
    axes = [
        _axis([point[side] for point in points], size, logarithmic=_spans_decades(points, side))
        for side, size in ((0, width), (1, height))
    ]
    lines = _draw({mark: series[name] for mark, name in named}, *axes)
    labelled = _labelled(lines, points, units[1])
    margin = len(labelled[0].partition("┤")[0])
    left, right = (write(bound(x for x, _ in points), units[0]) for bound in (min, max))
    scale = f"{' ' * margin}└{'─' * width}\n{' ' * margin} {left}{right:>{width - len(left)}}"
    legend = (f"{' ' * margin} {mark} {name}" for mark, name in named)
    return Text("\n".join([*labelled, scale, *legend]))


class _axis:  # noqa: N801 - used as a function from figures to places
    """Places figures on an axis of so many characters."""

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


def _draw(series: Mapping[str, Sequence[Point]], place_x: _axis, place_y: _axis) -> list[str]:
    lines = [[" "] * place_x.size for _ in range(place_y.size)]
    for mark, points in series.items():
        for x, y in points:
            if math.isfinite(x) and math.isfinite(y):
                row, column = place_y.size - 1 - place_y(y), place_x(x)
                lines[row][column] = mark if lines[row][column] in {" ", mark} else _BOTH
    return ["".join(line).rstrip() for line in lines]


def _labelled(lines: Sequence[str], points: Sequence[Point], unit: str) -> list[str]:
    low, high = (write(bound(y for _, y in points), unit) for bound in (min, max))
    labels = {0: high, len(lines) - 1: low}
    margin = max(map(len, labels.values()))
    return [f"{labels.get(row, ''):>{margin}} ┤{dots}" for row, dots in enumerate(lines)]
