"""Forest plots: ratios with their intervals, and the band in which a change does not matter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import cycle

import altair as alt

from gilbench.render.charts.chart import Record
from gilbench.render.charts.style import GRAY, INK, SHAPES
from gilbench.render.charts.svg import rendered

_ROW, _GAP = 13, 9  # px of each series of a row, and between rows
_EDGE, _LEAST_EDGE = 0.03, 1.01  # from the outermost value to the edge: share of the axis, ratio


def draw_forest(
    rows: Sequence[Record], palette: Mapping[str, str], band: tuple[float, float], title: str, *, apart: bool
) -> str:
    """Draw ratios.

    Args:
        rows: Records with the fields label, series, value, lo, and hi; the ends are finite and positive.
        palette: Color by series.
        band: Ratios between which a change does not matter.
        title: Title of the axis.
        apart: The series of a label have lines of their own.
    """
    names = [name for name in palette if any(row["series"] == name for row in rows)]
    order = list(dict.fromkeys(row["label"] for row in rows))
    ends = [end for row in rows for end in (row["lo"], row["hi"], row["value"])] + [*band]
    edge = max(_LEAST_EDGE, (max(ends) / min(ends)) ** _EDGE)
    domain = [min(ends) / edge, max(ends) * edge]
    x = partial(
        alt.X,
        title=title,
        scale=alt.Scale(type="log", domain=domain, nice=False),
        axis=alt.Axis(format=".3~g", tickCount=6),
    )
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(
        y=alt.Y("label:N", sort=order, title=None, axis=alt.Axis(grid=True, domain=False, ticks=False)),
        color=alt.Color(
            "series:N",
            title=None,
            sort=names,
            scale=alt.Scale(domain=names, range=[palette[name] for name in names]),
        ),
    )
    if apart:
        base = base.encode(yOffset=alt.YOffset("series:N", sort=names))
    found = [shape for name, shape in zip(palette, cycle(SHAPES), strict=False) if name in names]
    shape = alt.Shape("series:N", title=None, sort=names, scale=alt.Scale(domain=names, range=found))
    inside = alt.Chart(alt.InlineData(values=[{"from": band[0], "to": band[1]}]))
    one = alt.Chart(alt.InlineData(values=[{"one": 1.0}]))
    lines = len(order) * (_GAP + _ROW * (len(names) if apart else 1))
    layered = alt.layer(
        inside.mark_rect(color=GRAY, opacity=0.22).encode(x=x("from:Q"), x2="to:Q"),
        one.mark_rule(color=INK, strokeOpacity=0.6).encode(x=x("one:Q")),
        base.mark_rule(strokeWidth=2.5, strokeOpacity=0.65).encode(x=x("lo:Q"), x2="hi:Q"),
        base.mark_point(filled=True, size=55, opacity=1).encode(x=x("value:Q"), shape=shape),
    )
    return rendered(layered.properties(width=420, height=max(60, lines)), order)


def drawable(value: float | None) -> bool:
    """Return whether a ratio has a place on a logarithmic axis."""
    return value is not None and math.isfinite(value) and value > 0


def ends(value: float, lo: float | None, hi: float | None) -> dict[str, float]:
    """Return the ends of an interval that can be drawn; another end is the value itself."""
    return {
        side: end if end is not None and drawable(end) else value for side, end in (("lo", lo), ("hi", hi))
    }
