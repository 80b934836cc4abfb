"""Draws a series over its studies as SVG: a line, its intervals as a band, and its changes as rules.

The style sheet of the site has the colors of the classes, so one drawing suits a light and a dark page.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from gilbench.model.metrics import common_scale
from gilbench.render.guard import printable
from gilbench.render.site.bins import LARGEST, binned

_WIDTH, _HEIGHT = 880, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 16, 28, 26
_SPARK_WIDTH, _SPARK_HEIGHT, _SPARK_BINS = 132, 30, 44
_FEW = 8  # marks from which the intervals are a band
_TICKS, _DATES = 6, 6
_CUT = 50  # one interval of so many may be cut
_LONGEST = 10  # length of an interval beyond the values, in ranges of the values
_APART = 70  # px between labels of changes


class ChartMark(NamedTuple):
    """A value at a place."""

    at: float  # index of the study
    value: float
    lo: float  # NaN: unknown
    hi: float
    date: str
    title: str = ""  # empty: the mark has no point of its own
    url: str | None = None


class ChartStep(NamedTuple):
    """A change between places: it is after ``first``, most likely at ``at``, and not after ``last``."""

    first: float
    at: float
    last: float
    verdict: str
    size: str
    title: str
    url: str | None


class _Area(NamedTuple):
    """Maps places and values to the plotting area."""

    first: float
    last: float
    low: float
    high: float

    def x(self, at: float) -> float:
        """Return the horizontal position of a place; beyond the area, that of its border."""
        inside = min(max(at, self.first), self.last)
        share = (inside - self.first) / (self.last - self.first) if self.last > self.first else 0.5
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Return the vertical position of a value, likewise."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def chart(marks: Sequence[ChartMark], steps: Sequence[ChartStep], unit: str, label: str) -> Markup:
    """Draw a chart.

    Args:
        marks: At least one, in order.
        steps: Changes of the series.
        unit: Unit of the values.
        label: What it shows, for screen readers.
    """
    low, high = _domain(marks)
    area = _Area(marks[0].at, marks[-1].at, low, high)
    shown = [step for step in steps if step.last > area.first]
    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    parts = [
        f'<svg class="chart" role="group" {size} aria-label="{_text(label)}"><title>{_text(label)}</title>',
        *_grid(area, unit),
        *_dates(area, marks),
        *_intervals(area, marks),
        f'<polyline class="line" points="{_points((area.x(one.at), area.y(one.value)) for one in marks)}"/>',
        *(_point(area, one) for one in marks if one.title),
        *_steps(area, shown),
        "</svg>",
    ]
    return Markup("".join(parts))  # noqa: S704 - all texts are escaped


def sparkline(values: NDArray[np.float64], changes: Sequence[tuple[int, str]], label: str) -> Markup:
    """Draw a small line without axes.

    Args:
        values: All values of the series.
        changes: Index and verdict of each change.
        label: What it shows.
    """
    bins = binned(values, _SPARK_BINS)
    size = f'viewBox="0 0 {_SPARK_WIDTH} {_SPARK_HEIGHT}" width="{_SPARK_WIDTH}" height="{_SPARK_HEIGHT}"'
    head = f'<svg class="spark" role="img" {size} aria-label="{_text(label)}"><title>{_text(label)}</title>'
    if not len(bins.middle):
        return Markup(f"{head}</svg>")  # noqa: S704 - the label is escaped
    low, high = float(bins.middle.min()), float(bins.middle.max())
    room = max(high - low, 0.02 * high, 1e-300)
    low -= (room - (high - low)) / 2
    last = max(len(values) - 1, 1)
    xs = 3 + bins.at / last * (_SPARK_WIDTH - 6)
    ys = _SPARK_HEIGHT - 4 - (bins.middle - low) / room * (_SPARK_HEIGHT - 8)
    rules = (
        f'<path class="step {verdict}" d="M{3 + at / last * (_SPARK_WIDTH - 6):.1f} 0V{_SPARK_HEIGHT}"/>'
        for at, verdict in changes
    )
    line = f'<polyline class="line" points="{_points(zip(xs.tolist(), ys.tolist(), strict=True))}"/>'
    end = f'<circle class="end" cx="{xs[-1]:.1f}" cy="{ys[-1]:.1f}" r="2.5"/>'
    return Markup(f"{head}{''.join(rules)}{line}{end}</svg>")  # noqa: S704 - likewise


def _domain(marks: Sequence[ChartMark]) -> tuple[float, float]:
    """Return the shown range of values. A few long intervals are cut, or they would hide the line."""
    low, high = min(one.value for one in marks), max(one.value for one in marks)
    room = _LONGEST * max(high - low, 0.1 * high)
    lows = sorted(one.lo for one in marks if one.lo < LARGEST)
    highs = sorted(one.hi for one in marks if one.hi < LARGEST)
    if lows:
        low = min(low, max(lows[len(lows) // _CUT], low - room))
    if highs:
        high = max(high, min(highs[-1 - len(highs) // _CUT], high + room))
    spare = max(0.04 * (high - low), 0.005 * high) or 0.5
    return max(low - spare, 0.0), high + spare  # no value is negative


def _grid(area: _Area, unit: str) -> Iterator[str]:
    scale = common_scale((area.low, area.high), unit)
    low, high = area.low / scale.divisor, area.high / scale.divisor
    power = 10.0 ** max(math.floor(math.log10((high - low) / _TICKS)), -300)
    step = next(times * power for times in (1, 2, 5, 10, 20) if times * power * _TICKS >= high - low)
    decimals = min(max(0, -math.floor(math.log10(step))), 12)
    for number in range(math.ceil(low / step), math.floor(high / step) + 1):
        y = area.y(number * step * scale.divisor)
        yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>'
        text = _text(f"{number * step:.{decimals}f}{scale.suffix}")
        yield f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'


def _dates(area: _Area, marks: Sequence[ChartMark]) -> Iterator[str]:
    count = min(_DATES, len(marks))
    for number in range(count):
        one = marks[number * (len(marks) - 1) // max(count - 1, 1)]
        anchor = "middle" if count == 1 or 0 < number < count - 1 else ("end" if number else "start")
        place = f'x="{area.x(one.at):.1f}" y="{_HEIGHT - 6}" text-anchor="{anchor}"'
        yield f'<text class="tick" {place}>{_text(one.date)}</text>'


def _intervals(area: _Area, marks: Sequence[ChartMark]) -> Iterator[str]:
    """Yield a band for each row of marks with an interval, or a rule for each of a few marks."""
    ends = [
        (area.x(one.at), area.y(one.lo), area.y(one.hi)) if one.lo <= one.hi else None  # false for NaN
        for one in marks
    ]
    if len(marks) < _FEW:
        yield from (
            f'<path class="interval" d="M{end[0]:.1f} {end[1]:.1f}V{end[2]:.1f}"/>'
            for end in ends
            if end is not None
        )
        return
    row: list[tuple[float, float, float]] = []
    for end in (*ends, None):
        if end is not None:
            row.append(end)
        elif row:
            outline = [*((x, lo) for x, lo, _ in row), *((x, hi) for x, _, hi in reversed(row))]
            yield f'<polygon class="band" points="{_points(outline)}"/>'
            row = []


def _point(area: _Area, one: ChartMark) -> str:
    place = f'cx="{area.x(one.at):.1f}" cy="{area.y(one.value):.1f}" r="2.5"'
    circle = f'<circle class="point" {place}><title>{_text(one.title)}</title></circle>'
    # The table has the same links, so the keyboard need not pass through all points.
    return circle if one.url is None else f'<a href="{_text(one.url)}" tabindex="-1">{circle}</a>'


def _steps(area: _Area, steps: Sequence[ChartStep]) -> Iterator[str]:
    labels = _labelled([area.x(step.at) for step in steps])
    for step, labelled in zip(steps, labels, strict=True):
        x, left, right = area.x(step.at), area.x(step.first), area.x(step.last)
        top, height = _TOP - 6, _HEIGHT - _TOP - _BOTTOM + 6
        end = "end" if x > _WIDTH - _RIGHT - _APART / 2 else "middle"
        drawn = (
            f'<rect class="within {step.verdict}" x="{left:.1f}" y="{top}" '
            f'width="{max(right - left, 3):.1f}" height="{height}"/>'
            f'<path class="step {step.verdict}" d="M{x:.1f} {top}v{height}"/>'
        )
        if labelled:
            drawn += (
                f'<text class="size {step.verdict}" x="{x:.1f}" y="{_TOP - 11}" text-anchor="{end}">'
                f"{_text(step.size)}</text>"
            )
        title = f"<title>{_text(step.title)}</title>"
        name = f'aria-label="{_text(step.title)}"'
        yield (
            f"<g>{title}{drawn}</g>"
            if step.url is None
            else f'<a href="{_text(step.url)}" {name}>{title}{drawn}</a>'
        )


def _labelled(places: Sequence[float]) -> list[bool]:
    """Return which changes have room for a label."""
    return [True, *(right - left >= _APART for left, right in pairwise(places))][: len(places)]


def _points(places: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _text(text: str) -> str:
    return str(escape(printable(text)))
