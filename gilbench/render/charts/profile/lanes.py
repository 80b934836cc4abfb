"""What the threads of a recorded program did over time, one lane for each."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import altair as alt

from gilbench.analyse.profile.stays import STATES, TICK, written_stays
from gilbench.model.events import Events
from gilbench.model.metrics import write
from gilbench.model.profile import Lane, Lanes, Profile
from gilbench.render.charts.chart import Chart, Record, labels, table_of_chart
from gilbench.render.charts.style import BLOCKED, HELD, OFF, WAIT
from gilbench.render.charts.svg import rendered
from gilbench.render.profile_threads import percent

_TITLES: Mapping[str, str] = {  # by field of a lane
    "held": "GIL held",
    "wait": "GIL wait",
    "off": "on CPU, no GIL",
    "blocked": "blocked",
}
_COLORS: Mapping[str, str] = {"held": HELD, "wait": WAIT, "off": OFF, "blocked": BLOCKED}


def lane_charts(profile: Profile, events: Events | None) -> Iterator[Chart]:
    """Yield the lanes of a recorded profile.

    Args:
        profile: The profile.
        events: What was recorded, for a page with a script; None: it only has the pieces of the lanes.
    """
    if profile.lanes is None or not profile.lanes.threads:
        return
    lanes = profile.lanes
    known = {thread.tid: thread.name for thread in profile.threads}
    places = [_place(known, lane) for lane in lanes.threads]
    names = labels(places)
    step = lanes.seconds / len(lanes.threads[0].held)
    cells = [
        {
            "thread": names[place],
            "state": _TITLES[field],
            "place": number,
            "time": piece * step,
            "share": share,
        }
        for place, lane in zip(places, lanes.threads, strict=True)
        for number, field in enumerate(STATES)
        for piece, share in enumerate([*getattr(lane, field), 0.0])
    ]
    more = ""
    if events is not None:
        more = f" Where the page runs its script, each of {len(events.stamps)} events can be enlarged."
        if events.truncated:
            more += f" Only the first {write(lanes.seconds, 's')} were recorded."
    yield Chart(
        name="lanes",
        title="What the threads did over time",
        summary=(
            f"Each lane is a thread, each of its {len(lanes.threads[0].held)} pieces {write(step, 's')} long. Shown "
            f"are the threads that held the GIL or waited for it longest.{more}"
        ),
        table=table_of_chart(
            ("thread", *(f"{_TITLES[field]} (%)" for field in STATES)),
            (
                (place, *(percent(_mean(getattr(lane, field))) for field in STATES))
                for place, lane in zip(places, lanes.threads, strict=True)
            ),
        ),
        draw=partial(_draw, cells, list(names.values())),
        live=partial(_live, lanes, [names[place] for place in places], events),
    )


def _place(names: Mapping[int, str | None], lane: Lane) -> str:
    """Name a lane; the number of the thread makes it unique."""
    return f"{names.get(lane.tid) or 'thread'} ({lane.tid})"


def _mean(shares: Sequence[float]) -> float:
    return sum(shares) / len(shares)


def _live(lanes: Lanes, names: Sequence[str], events: Events | None) -> Record:
    """Return the lanes for the script of a page (templates/lanes.js)."""
    shown: Record
    if events is None:
        shown = {"pieces": [[getattr(lane, field) for field in STATES] for lane in lanes.threads]}
    else:
        written = written_stays(events, (lane.tid for lane in lanes.threads))
        shown = {"tick": TICK * 1e-9, "stays": [base64.b64encode(stays).decode() for stays in written]}
    return {
        "kind": "lanes",
        "seconds": lanes.seconds,
        "names": list(names),
        "states": [{"title": _TITLES[field], "color": _COLORS[field]} for field in STATES],
        **shown,
    }


def _draw(cells: Sequence[Record], names: Sequence[str]) -> str:
    titles = list(_TITLES.values())
    scale = alt.Scale(domain=titles, range=list(_COLORS.values()))
    header = alt.Header(labelAngle=0, labelAlign="left", labelOrient="left", labelLimit=180)
    lane = (
        alt.Chart()
        .mark_area(interpolate="step-after")
        .encode(
            x=alt.X("time:Q", title="seconds", scale=alt.Scale(nice=False)),
            y=alt.Y(
                "share:Q", title=None, stack="zero", axis=None, scale=alt.Scale(domain=[0, 1], nice=False)
            ),
            color=alt.Color("state:N", title=None, sort=titles, scale=scale),
            order="place:Q",
        )
        .properties(width=620, height=22)
    )
    row = alt.Row("thread:N", title=None, sort=list(names), header=header)
    return rendered(lane.facet(row=row, spacing=3, data=alt.InlineData(values=list(cells))), names)
