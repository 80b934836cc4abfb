"""The charts of a history: a value over studies, with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import altair as alt

from gilbench.model.history import Entry, Point, Series, Trends
from gilbench.render.charts.chart import Chart, Record, table_of_chart
from gilbench.render.charts.style import BLUE
from gilbench.render.charts.svg import rendered
from gilbench.render.figures import figure_within, short
from gilbench.render.history_pages import commit_name, date_of, series_name

_MOST = 24  # series with a chart
_BAND = 8  # studies from which the intervals are a band


def trend_charts(trends: Trends) -> Iterator[Chart]:
    """Yield a chart for each of the first series."""
    for series, points in trends.series[:_MOST]:
        if any(math.isfinite(point.value) for _, point in points):
            yield _chart(series, points)


def _chart(series: Series, points: Sequence[tuple[Entry, Point]]) -> Chart:
    rows = [
        {
            "place": place,
            "value": point.value,
            "lo": point.value if point.lo is None or not math.isfinite(point.lo) else point.lo,
            "hi": point.value if point.hi is None or not math.isfinite(point.hi) else point.hi,
        }
        for place, (_, point) in enumerate(points, 1)
        if math.isfinite(point.value)
    ]
    return Chart(
        name=f"trend-{series.case.workload}-{series.case.interpreter}-{series.case.threads}-{series.metric}",
        title=series_name(series),
        summary=f"The last {len(points)} studies, the oldest first, with 95% intervals.",
        table=table_of_chart(
            ("study", "date", "commit", "value"),
            (
                (
                    str(place),
                    date_of(entry),
                    short(commit_name(entry), 40),
                    figure_within(point.value, point.lo, point.hi, series.unit),
                )
                for place, (entry, point) in enumerate(points, 1)
            ),
            texts=3,
        ),
        draw=partial(_draw, rows, series.unit),
    )


def _draw(rows: Sequence[Record], unit: str) -> str:
    written: dict[str, Any] = {
        "s": {"labelExpr": "format(datum.value, '~s') + 's'"},
        "fraction": {"format": "%"},
    }.get(unit, {"format": ".3~s"})
    y = partial(
        alt.Y,
        title={"1/s": "per second", "x": "ratio", "fraction": None}.get(unit, unit),
        axis=alt.Axis(**written, tickCount=5),
        scale=alt.Scale(zero=False),
    )
    axis = alt.Axis(format="d", tickMinStep=1, grid=False)
    x = alt.X("place:Q", title="study, the oldest first", axis=axis, scale=alt.Scale(nice=False, padding=10))
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(x=x)
    many = len(rows) >= _BAND
    interval = base.mark_area(color=BLUE, opacity=0.2) if many else base.mark_rule(color=BLUE, strokeWidth=2)
    layered = alt.layer(
        interval.encode(y=y("lo:Q"), y2="hi:Q"),
        base.mark_line(color=BLUE, strokeWidth=2).encode(y=y("value:Q")),
        base.mark_point(color=BLUE, filled=True, size=40, opacity=1).encode(y=y("value:Q")),
    )
    return rendered(layered.properties(width=560, height=180))
