"""What each thread did, as shares of the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import altair as alt

from gilbench.analyse.profile.groups import Rows
from gilbench.model.metrics import write
from gilbench.model.profile import STOPPED_WORLD, Profile, ProfiledThread
from gilbench.render.charts.chart import Chart, Record, labels, table_of_chart
from gilbench.render.charts.style import BLOCKED, HELD, INK, OFF, STOPPED, WAIT
from gilbench.render.charts.svg import rendered
from gilbench.render.profile_threads import THREADS, in_order, percent


class ThreadState(NamedTuple):
    """One of the states of a thread, which together are its time."""

    title: str
    color: str
    share: Callable[[ProfiledThread, float], float | None]  # of a thread and the duration; None: unknown


def thread_charts(profile: Profile, rows: Rows) -> Iterator[Chart]:
    """Yield the shares of each thread, if any are known."""
    shown = list(in_order(rows.rows))[:THREADS]
    names = labels(row.label for row in shown)
    shares = {
        state: [state.share(row.total, profile.duration) for row in shown]
        for state in (_WITHOUT if profile.process.gil_enabled is False else _STATES)
    }
    known = {state: found for state, found in shares.items() if any(share is not None for share in found)}
    cells = [
        {"thread": names[row.label], "state": state.title, "place": place, "share": share or 0.0}
        for place, (state, found) in enumerate(known.items())
        for row, share in zip(shown, found, strict=True)
    ]
    if not any(cell["share"] for cell in cells):
        return
    more = f" The {THREADS} busiest of {len(rows.rows)} rows are shown." if len(rows.rows) > THREADS else ""
    yield Chart(
        name="threads",
        title="What each thread did",
        summary=(
            f"Shares of {write(profile.duration, 's')} of wall time, by thread. A group of threads is the sum of its "
            f"threads.{more}"
        ),
        table=table_of_chart(
            ("thread", *(f"{state.title} (%)" for state in known)),
            ((row.label, *map(percent, found)) for row, *found in zip(shown, *known.values(), strict=True)),
        ),
        draw=partial(_draw, cells, list(names.values()), {state.title: state.color for state in known}),
    )


def _stopped(thread: ProfiledThread, duration: float) -> float | None:
    """Return the share in which a stop-the-world pause suspended a thread."""
    if thread.gil_wait is None:
        return None
    return sum(one.seconds for one in thread.parked if one.kind == STOPPED_WORLD) / duration


def _parked(thread: ProfiledThread, duration: float) -> float | None:
    """Return the share in which a thread was parked for another reason."""
    if thread.gil_wait is None:
        return None
    return max(0.0, thread.gil_wait - (_stopped(thread, duration) or 0.0))


_OFF_CPU = ThreadState("blocked", BLOCKED, lambda thread, _: thread.blocked)
_STATES = (
    ThreadState("GIL held", HELD, lambda thread, _: thread.gil_held),
    ThreadState("GIL wait", WAIT, lambda thread, _: thread.gil_wait),
    ThreadState("on CPU, no GIL", OFF, lambda thread, _: thread.off_gil),
    _OFF_CPU,
)
_WITHOUT = (
    ThreadState("parked", WAIT, _parked),
    ThreadState("stopped world", STOPPED, _stopped),
    ThreadState("on CPU", OFF, lambda thread, _: thread.off_gil),
    _OFF_CPU,
)


def _draw(cells: Sequence[Record], names: Sequence[str], palette: Mapping[str, str]) -> str:
    scale = alt.Scale(domain=list(palette), range=list(palette.values()))
    spec = (
        alt.Chart(alt.InlineData(values=list(cells)))
        .mark_bar(stroke=INK, strokeWidth=0.3)
        .encode(
            y=alt.Y("thread:N", sort=list(names), title=None, axis=alt.Axis(ticks=False, domain=False)),
            x=alt.X(
                "share:Q",
                title="share of wall time",
                stack="zero",
                axis=alt.Axis(format="%", tickCount=5),
                scale=alt.Scale(nice=False),
            ),
            color=alt.Color("state:N", title=None, sort=list(palette), scale=scale),
            order="place:Q",
        )
    )
    return rendered(spec.properties(width=480, height=24 * len(names)), names)
