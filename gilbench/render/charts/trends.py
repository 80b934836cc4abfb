"""The charts of a history: a value over commits, with its interval and its lasting changes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import altair as alt

from gilbench.model.history import Entry, Found, Point, Series, Trends
from gilbench.render.charts.chart import Chart, Record, table_of_chart
from gilbench.render.charts.style import BLUE, GRAY, VERDICTS
from gilbench.render.charts.svg import rendered
from gilbench.render.figures import figure_within, short
from gilbench.render.guard import printable
from gilbench.render.history_pages import commit_name, date_of, percent, series_name

_MOST = 24  # series with a chart
_BAND = 8  # studies from which the intervals are a band
_COLORS = {"improved": VERDICTS["improved"], "regressed": VERDICTS["regressed"], "changed": GRAY}
_COMMIT = 9  # characters of a commit on the axis
_LABELS = 28  # commits on the axis


def trend_charts(trends: Trends) -> Iterator[Chart]:
    """Yield a chart for each of the first series."""
    for series, points in trends.series[:_MOST]:
        if any(math.isfinite(point.value) for _, point in points):
            yield _chart(series, points, [found for found in trends.changes if found.series == series])


def _chart(series: Series, points: Sequence[tuple[Entry, Point]], found: Sequence[Found]) -> Chart:
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
    changes = _changes(points, found)
    told = {change["place"]: change["told"] for change in changes}
    rules = " Vertical rules: lasting changes. Bands: where they are, with 95% confidence." if changes else ""
    return Chart(
        name=f"trend-{series.case.workload}-{series.case.interpreter}-{series.case.threads}-{series.metric}",
        title=series_name(series),
        summary=f"The last {len(points)} studies, the oldest first, with 95% intervals.{rules}",
        table=table_of_chart(
            ("study", "date", "commit", "value", "lasting change"),
            (
                (
                    str(place),
                    date_of(entry),
                    short(commit_name(entry), 40),
                    figure_within(point.value, point.lo, point.hi, series.unit),
                    told.get(place, "-"),
                )
                for place, (entry, point) in enumerate(points, 1)
            ),
            texts=3,
        ),
        draw=partial(
            _draw,
            rows,
            changes,
            [printable(commit_name(entry)[:_COMMIT]) for entry, _ in points],
            series.unit,
        ),
    )


def _changes(points: Sequence[tuple[Entry, Point]], found: Sequence[Found]) -> list[Record]:
    """Return the changes whose first study on the new level is shown. They lie between two studies."""
    places = {entry.id: place for place, (entry, _) in enumerate(points, 1)}
    return [
        {
            "place": place,
            "at": place - 0.5,
            "from": places.get(change.good.id, 0) + 0.5,
            "to": places.get(change.changed.id, len(points) + 1) - 0.5,
            "verdict": change.verdict,
            "told": f"{change.verdict} {percent(change.change.size)}",
        }
        for change in found
        if (place := places.get(change.likely.id)) is not None
    ]


def _draw(rows: Sequence[Record], changes: Sequence[Record], commits: Sequence[str], unit: str) -> str:
    form: dict[str, Any] = {
        "s": {"labelExpr": "format(datum.value, '~s') + 's'"},
        "fraction": {"format": "%"},
        "x": {"format": ".3~g"},
    }.get(unit, {"format": ".3~s"})
    y = partial(
        alt.Y,
        title={"1/s": "per second", "x": "ratio", "fraction": None, "s": None}.get(unit, unit),
        axis=alt.Axis(**form, tickCount=5),
        scale=alt.Scale(zero=False),
    )
    axis = alt.Axis(
        labelExpr=f"{json.dumps(commits)}[datum.value - 1]",
        tickMinStep=1,
        tickCount=min(len(commits), _LABELS),
        labelOverlap="parity" if len(commits) > _LABELS else False,
        grid=False,
        labelAngle=-40,
    )
    scale = alt.Scale(nice=False, domain=[0.5, len(commits) + 0.5])
    x = partial(alt.X, title="commit, the oldest first", axis=axis, scale=scale)
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(x=x("place:Q"))
    many = len(rows) >= _BAND
    interval = base.mark_area(color=BLUE, opacity=0.2) if many else base.mark_rule(color=BLUE, strokeWidth=2)
    layers = [
        interval.encode(y=y("lo:Q"), y2="hi:Q"),
        base.mark_line(color=BLUE, strokeWidth=2).encode(y=y("value:Q")),
        base.mark_point(color=BLUE, filled=True, size=40, opacity=1).encode(y=y("value:Q")),
    ]
    if changes:
        verdicts = [verdict for verdict in _COLORS if any(change["verdict"] == verdict for change in changes)]
        palette = alt.Scale(domain=verdicts, range=[_COLORS[verdict] for verdict in verdicts])
        marked = alt.Chart(alt.InlineData(values=list(changes))).encode(
            color=alt.Color("verdict:N", title=None, scale=palette, legend=alt.Legend(symbolOpacity=1))
        )
        layers[:0] = [
            marked.mark_rect(opacity=0.18).encode(x=x("from:Q"), x2="to:Q"),
            marked.mark_rule(strokeWidth=2).encode(x=x("at:Q")),
        ]
    return rendered(alt.layer(*layers).properties(width=560, height=180))
