"""Who made whom wait for the GIL, as a heat map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import altair as alt

from gilbench.analyse.profile.groups import Rows
from gilbench.model.metrics import write
from gilbench.model.profile import Profile
from gilbench.render.charts.chart import Chart, Record, labels, table_of_chart
from gilbench.render.charts.svg import rendered

_MOST = 12  # rows and columns


def holder_charts(profile: Profile, rows: Rows) -> Iterator[Chart]:
    """Yield the heat map of waits, if they are known."""
    found = rows.blames(profile.blames)
    if not found:
        return
    times: dict[tuple[int, int], float] = {(one.waiter, one.holder): one.seconds for one in found}
    waiters, holders = (
        [place for place, _ in Counter(_totals(times, side)).most_common(_MOST)] for side in (0, 1)
    )
    names = labels(rows.rows[place].label for place in (*waiters, *holders))
    label = {place: names[rows.rows[place].label] for place in (*waiters, *holders)}
    most = max(times.values())
    cells = [
        {
            "waiter": label[waiter],
            "holder": label[holder],
            "seconds": seconds,
            "text": write(seconds, "s"),
            "ink": "black" if seconds > most / 2 else "white",
        }
        for (waiter, holder), seconds in times.items()
        if waiter in waiters and holder in holders
    ]
    yield Chart(
        name="waits-by-holder",
        title="GIL wait time, by waiter and holder",
        summary=(
            "How long each thread waited for the GIL, by the thread that held it at the start of the wait. "
            "Brighter cells are longer."
        ),
        table=table_of_chart(
            ("waiter", "holder", "wait time"),
            ((str(cell["waiter"]), str(cell["holder"]), str(cell["text"])) for cell in cells),
            texts=2,
        ),
        draw=partial(_draw, cells, [label[place] for place in waiters], [label[place] for place in holders]),
    )


def _totals(times: Mapping[tuple[int, int], float], side: int) -> dict[int, float]:
    totals: dict[int, float] = {}
    for pair, seconds in times.items():
        totals[pair[side]] = totals.get(pair[side], 0.0) + seconds
    return totals


def _draw(cells: Sequence[Record], waiters: Sequence[str], holders: Sequence[str]) -> str:
    base = alt.Chart(alt.InlineData(values=list(cells))).encode(
        x=alt.X(
            "holder:N",
            sort=list(holders),
            title="holder (rows are waiters)",
            axis=alt.Axis(orient="top", labelAngle=-30, labelLimit=160, ticks=False, domain=False),
        ),
        y=alt.Y(
            "waiter:N",
            sort=list(waiters),
            title=None,
            axis=alt.Axis(labelLimit=220, ticks=False, domain=False),
        ),
    )
    layered = alt.layer(
        base.mark_rect().encode(
            color=alt.Color("seconds:Q", scale=alt.Scale(scheme="viridis", zero=True), legend=None)
        ),
        base.mark_text(fontSize=11).encode(text="text:N", color=alt.Color("ink:N", scale=None)),
    ).resolve_scale(color="independent")
    return rendered(layered.properties(width=76 * len(holders), height=28 * len(waiters)), waiters)
