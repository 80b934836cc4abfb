"""Colors and fonts of all charts.

The palette is that of Okabe and Ito, whose colors most color-blind people can tell apart. Text, axes, and grids use
``currentColor``, so one drawing suits a light and a dark page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, YELLOW, GRAY = "#E69F00", "#56B4E9", "#F0E442", "#8A8F98"
INK = "currentColor"
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, GRAY)  # of interpreters, in their order
_SPARE = 1.1  # px of each letter of a label
_FEW = 2  # panels that have room to be larger
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-left")
FONT = "sans-serif"

HELD, WAIT, OFF, BLOCKED = VERMILLION, ORANGE, BLUE, GRAY  # what a thread does, in every chart
STOPPED = PURPLE  # by a stop-the-world pause
VERDICTS: Mapping[str, str] = {
    "improved": GREEN,
    "regressed": VERMILLION,
    "equivalent": BLUE,
    "inconclusive": GRAY,
}
SCORES: Mapping[str, tuple[str, str]] = {  # cell and text
    "holds": (BLUE, "white"),
    "does not hold": (ORANGE, "black"),
    "yes": (GREEN, "black"),
    "partly": (YELLOW, "black"),
    "no": (VERMILLION, "black"),
    "inconclusive": (SKY, "black"),
    "not seen": (SKY, "black"),
    "not here": ("#C9CDD2", "black"),
    "hangs": (PURPLE, "black"),
    "crashes": (PURPLE, "black"),
    "fails": (PURPLE, "black"),
}


def colors(names: Sequence[str], among: Sequence[str]) -> alt.Color:
    """Return the colors of some series, which depend on their places among all series of a result."""
    return alt.Color("series:N", title=None, sort=list(names), scale=_cycle(names, among, SERIES))


def shapes(names: Sequence[str], among: Sequence[str]) -> alt.Shape:
    """Return the shapes of the points of some series, which tell them apart without color."""
    return alt.Shape("series:N", title=None, sort=list(names), scale=_cycle(names, among, SHAPES))


def widths(names: Sequence[str]) -> alt.StrokeWidth:
    """Return the widths of lines. Earlier ones are wider, so they can be seen below later ones of equal values."""
    return alt.StrokeWidth("series:N", sort=list(names), title=None, scale=_falling(names, 1.5, 5.5))


def sizes(names: Sequence[str]) -> alt.Size:
    """Return the sizes of points, likewise."""
    return alt.Size("series:N", sort=list(names), title=None, scale=_falling(names, 40.0, 150.0))


def panels(count: int) -> dict[str, Any]:
    """Return the size of each of some panels side by side."""
    return {"width": {1: 420, 2: 300}.get(count, 210), "height": 190 if count <= _FEW else 150}


def _falling(names: Sequence[str], least: float, most: float) -> alt.Scale:
    """Return a scale from the most to the least; vega fills in the values between them."""
    ends = [most, least] if len(names) > 1 else [(least + most) / 2] * 2
    return alt.Scale(domain=list(names), range=ends)


def _cycle(names: Sequence[str], among: Sequence[str], values: Sequence[str]) -> alt.Scale:
    found = [values[among.index(name) % len(values)] for name in names]
    return alt.Scale(domain=list(names), range=found)


def styled(spec: Any, names: Sequence[str] = ()) -> Any:
    """Return a specification with fonts and colors.

    Args:
        spec: The specification.
        names: Long labels on its left. A reader's font may be wider than the one that the drawing is measured with.
    """
    text: dict[str, Any] = {"labelColor": INK, "titleColor": INK, "titleFontWeight": "normal"}
    return spec.configure(
        background="transparent",
        font=FONT,
        padding={"left": 8 + _SPARE * max(map(len, names), default=0), "top": 8, "right": 24, "bottom": 8},
        axis=alt.AxisConfig(
            **text,
            domainColor=INK,
            tickColor=INK,
            gridColor=INK,
            gridOpacity=0.15,
            labelLimit=400,
            titlePadding=10,
        ),
        header=alt.HeaderConfig(**text, labelFontSize=12, labelLimit=420),
        legend=alt.LegendConfig(
            **text,
            orient="top",
            direction="horizontal",
            columns=4,
            columnPadding=18,
            labelLimit=260,
            symbolSize=80,
        ),
        view=alt.ViewConfig(stroke=INK, strokeOpacity=0.25),
    )
