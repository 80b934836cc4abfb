"""How long the threads waited for the GIL, or were parked, as a histogram."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import altair as alt

from gilbench.model.profile import Profile
from gilbench.model.threads import waits_of
from gilbench.render.charts.chart import Chart, Record, table_of_chart
from gilbench.render.charts.style import INK, WAIT
from gilbench.render.charts.svg import rendered
from gilbench.render.profile_tables import bucket_limits


def wait_charts(profile: Profile) -> Iterator[Chart]:
    """Yield the histogram of waits, if there are any."""
    # The first bucket counts acquires without a wait, which outnumber all waits.
    buckets = [bucket for bucket in waits_of(profile.threads) if bucket.lo and bucket.count]
    if not buckets:
        return
    rows = [{"length": bucket_limits(bucket), "count": bucket.count} for bucket in buckets]
    locks = profile.process.gil_enabled is False
    what = "Parks" if locks else "GIL waits"
    yield Chart(
        name="waits",
        title=f"{what} by length",
        summary=f"Number of {'parks' if locks else 'GIL waits'} of all threads by their length, on a logarithmic axis.",
        table=table_of_chart(("length", "count"), ((str(row["length"]), str(row["count"])) for row in rows)),
        draw=partial(_draw, rows),
    )


def _draw(rows: Sequence[Record]) -> str:
    names = [row["length"] for row in rows]
    y = alt.Y("length:N", sort=names, title=None, axis=alt.Axis(ticks=False))
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(y=y)
    x = alt.X(
        "count:Q",
        title="number",
        scale=alt.Scale(type="symlog", nice=False),
        axis=alt.Axis(values=[10**power for power in range(9)], labelExpr="format(datum.value, '~s')"),
    )
    layered = alt.layer(
        base.mark_bar(color=WAIT).encode(x=x),
        base.mark_text(align="left", dx=4, color=INK).encode(x=x, text="count:Q"),
    )
    return rendered(layered.properties(width=380, height=20 * len(names)), names)
