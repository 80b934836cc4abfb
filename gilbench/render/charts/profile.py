"""The charts of a profile: what each thread did, who made whom wait, the stacks, and the speedup without a GIL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import altair as alt

from gilbench.analyse.profile.groups import Rows, rows_of
from gilbench.model.metrics import write
from gilbench.model.profile import SHORTEST, Lane, Profile, Stack, WhatIf
from gilbench.model.threads import waits_of
from gilbench.render.charts.chart import Chart, Record, labels, table_of_chart
from gilbench.render.charts.flame import draw_flames
from gilbench.render.charts.style import BLOCKED, GRAY, HELD, INK, OFF, WAIT
from gilbench.render.charts.svg import rendered
from gilbench.render.figures import cpus_name
from gilbench.render.profile_tables import bucket_limits
from gilbench.render.profile_threads import THREADS, in_order, percent

_MOST = 12  # rows and columns of the heat map
_FUNCTIONS = 30
_STATES: Mapping[str, tuple[str, str]] = {
    "gil_held": ("GIL held", HELD),
    "gil_wait": ("GIL wait", WAIT),
    "off_gil": ("on CPU, no GIL", OFF),
    "blocked": ("blocked", BLOCKED),
}
_WITHOUT: Mapping[str, tuple[str, str]] = {
    "gil_wait": ("parked", WAIT),
    "off_gil": ("on CPU", OFF),
    "blocked": ("blocked", BLOCKED),
}
_LANES: Mapping[str, tuple[str, str]] = {
    field: _STATES[state]
    for field, state in {
        "held": "gil_held",
        "wait": "gil_wait",
        "off": "off_gil",
        "blocked": "blocked",
    }.items()
}


def profile_charts(profile: Profile) -> Iterator[Chart]:
    """Yield the charts of a profile."""
    if profile.duration < SHORTEST:
        return
    rows = rows_of(profile.threads)
    locks = profile.process.gil_enabled is False
    yield from _threads(profile, rows, _WITHOUT if locks else _STATES)
    yield from _lanes(profile)
    yield from _blames(profile, rows)
    yield from _waits(profile, locks=locks)
    yield from _flames(profile, locks=locks)
    if profile.what_if is not None and profile.what_if.curve:
        yield _cores(profile.what_if)


def _threads(profile: Profile, rows: Rows, states: Mapping[str, tuple[str, str]]) -> Iterator[Chart]:
    shown = list(in_order(rows.rows))[:THREADS]
    names = labels(row.label for row in shown)
    known = {
        field: state
        for field, state in states.items()
        if any(getattr(row.total, field) is not None for row in shown)
    }
    cells = [
        {
            "thread": names[row.label],
            "state": title,
            "place": place,
            "share": getattr(row.total, field) or 0.0,
        }
        for row in shown
        for place, (field, (title, _)) in enumerate(known.items())
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
            ("thread", *(f"{title} (%)" for title, _ in known.values())),
            ((row.label, *(percent(getattr(row.total, field)) for field in known)) for row in shown),
        ),
        draw=partial(_draw_threads, cells, list(names.values()), dict(known.values())),
    )


def _draw_threads(cells: Sequence[Record], names: Sequence[str], palette: Mapping[str, str]) -> str:
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


def _lanes(profile: Profile) -> Iterator[Chart]:
    if profile.lanes is None or not profile.lanes.threads:
        return
    known = {thread.tid: thread.name for thread in profile.threads}
    lanes = profile.lanes.threads
    names = labels(_lane_name(known, lane) for lane in lanes)
    states = dict(_LANES.values())
    step = profile.lanes.seconds / len(lanes[0].held)
    cells = [
        {
            "thread": names[_lane_name(known, lane)],
            "state": title,
            "place": place,
            "time": number * step,
            "share": share,
        }
        for lane in lanes
        for place, (field, (title, _)) in enumerate(_LANES.items())
        for number, share in enumerate([*getattr(lane, field), 0.0])
    ]
    yield Chart(
        name="lanes",
        title="What the threads did over time",
        summary=(
            f"Each lane is a thread, each of its {len(lanes[0].held)} pieces {write(step, 's')} long. Shown are the "
            "threads that held the GIL or waited for it longest."
        ),
        table=table_of_chart(
            ("thread", *(f"{title} (%)" for title in states)),
            (
                (_lane_name(known, lane), *(percent(_mean(getattr(lane, field))) for field in _LANES))
                for lane in lanes
            ),
        ),
        draw=partial(_draw_lanes, cells, list(names.values()), states),
    )


def _lane_name(names: Mapping[int, str | None], lane: Lane) -> str:
    """Name a lane; the number of the thread makes it unique."""
    return f"{names.get(lane.tid) or 'thread'} ({lane.tid})"


def _mean(shares: Sequence[float]) -> float:
    return sum(shares) / len(shares)


def _draw_lanes(cells: Sequence[Record], names: Sequence[str], palette: Mapping[str, str]) -> str:
    scale = alt.Scale(domain=list(palette), range=list(palette.values()))
    header = alt.Header(labelAngle=0, labelAlign="left", labelOrient="left", labelLimit=180)
    lane = (
        alt.Chart()
        .mark_area(interpolate="step-after")
        .encode(
            x=alt.X("time:Q", title="seconds", scale=alt.Scale(nice=False)),
            y=alt.Y(
                "share:Q", title=None, stack="zero", axis=None, scale=alt.Scale(domain=[0, 1], nice=False)
            ),
            color=alt.Color("state:N", title=None, sort=list(palette), scale=scale),
            order="place:Q",
        )
        .properties(width=620, height=22)
    )
    row = alt.Row("thread:N", title=None, sort=list(names), header=header)
    return rendered(lane.facet(row=row, spacing=3, data=alt.InlineData(values=list(cells))), names)


def _blames(profile: Profile, rows: Rows) -> Iterator[Chart]:
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
        draw=partial(
            _draw_blames, cells, [label[place] for place in waiters], [label[place] for place in holders]
        ),
    )


def _totals(times: Mapping[tuple[int, int], float], side: int) -> dict[int, float]:
    totals: dict[int, float] = {}
    for pair, seconds in times.items():
        totals[pair[side]] = totals.get(pair[side], 0.0) + seconds
    return totals


def _draw_blames(cells: Sequence[Record], waiters: Sequence[str], holders: Sequence[str]) -> str:
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


def _waits(profile: Profile, *, locks: bool) -> Iterator[Chart]:
    # The first bucket counts acquires without a wait, which outnumber all waits.
    buckets = [bucket for bucket in waits_of(profile.threads) if bucket.lo and bucket.count]
    if not buckets:
        return
    rows = [{"length": bucket_limits(bucket), "count": bucket.count} for bucket in buckets]
    what = "Parks" if locks else "GIL waits"
    yield Chart(
        name="waits",
        title=f"{what} by length",
        summary=f"Number of {'parks' if locks else 'GIL waits'} of all threads by their length, on a logarithmic axis.",
        table=table_of_chart(("length", "count"), ((str(row["length"]), str(row["count"])) for row in rows)),
        draw=partial(_draw_waits, rows),
    )


def _draw_waits(rows: Sequence[Record]) -> str:
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


def _flames(profile: Profile, *, locks: bool) -> Iterator[Chart]:
    if not profile.stacks:
        return
    where = "on the CPU" if locks else "while they held the GIL"
    total = sum(stack.samples for stack in profile.stacks)
    yield Chart(
        name="flame",
        title="Stacks on the CPU" if locks else "Stacks that held the GIL",
        summary=(
            f"Flame graph of {total} samples of threads {where}. Callers are above the functions that they call; the "
            "width of a box is its share of the samples."
        ),
        table=table_of_chart(
            ("function", "itself (%)", "with callees (%)"), _functions(profile.stacks, total)
        ),
        draw=partial(draw_flames, profile.stacks, OFF if locks else HELD),
    )


def _functions(stacks: Sequence[Stack], total: int) -> Iterator[tuple[str, str, str]]:
    """Yield the functions with the most samples."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for stack in stacks:
        if stack.frames:
            own[stack.frames[-1]] += stack.samples
        for frame in set(stack.frames):
            whole[frame] += stack.samples
    ordered = sorted(whole, key=lambda frame: (-own[frame], -whole[frame], frame))
    for frame in ordered[:_FUNCTIONS]:
        yield frame, percent(own[frame] / total), percent(whole[frame] / total)


def _cores(answer: WhatIf) -> Chart:
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
        draw=partial(_draw_cores, rows),
    )


def _draw_cores(rows: Sequence[Record]) -> str:
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
