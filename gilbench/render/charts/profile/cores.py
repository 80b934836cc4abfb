"""The speedup of a recorded program without a GIL, by number of CPUs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import altair as alt

from gilbench.model.metrics import write
from gilbench.model.profile import WhatIf
from gilbench.render.charts.chart import Chart, Record, table_of_chart
from gilbench.render.charts.style import GRAY, OFF
from gilbench.render.charts.svg import rendered
from gilbench.render.figures import cpus_name


def cores_chart(answer: WhatIf) -> Chart:
    """Return the chart of a replay without the GIL."""
    rows = [{"cores": point.cores, "speedup": point.speedup} for point in answer.curve]
    return Chart(
        name="without-gil",
        title="Replay without the GIL",
        summary=(
            "Predicted speedup of the recorded program without a GIL, by number of CPUs. The program ran on "
            f"{cpus_name(answer.cores)}."
        ),
        table=table_of_chart(
            ("CPUs", "speedup"), ((str(point.cores), write(point.speedup, "x")) for point in answer.curve)
        ),
        draw=partial(_draw, rows),
    )


def _draw(rows: Sequence[Record]) -> str:
    x = alt.X(
        "cores:Q",
        title="CPUs",
        scale=alt.Scale(type="log", base=2, nice=False),
        axis=alt.Axis(values=[row["cores"] for row in rows], format="d", grid=False),
    )
    y = partial(alt.Y, title="speedup", scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=5))
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(x=x, y=y("speedup:Q"))
    one = (
        alt.Chart(alt.InlineData(values=[{"one": 1.0}]))
        .mark_rule(color=GRAY, strokeDash=[6, 4])
        .encode(y=y("one:Q"))
    )
    layered = alt.layer(
        one, base.mark_line(color=OFF, strokeWidth=2), base.mark_point(color=OFF, filled=True, size=55)
    )
    return rendered(layered.properties(width=420, height=200))
