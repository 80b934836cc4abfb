"""Flame graphs of a profile: of stacks that held the GIL, of those that others waited for, and of parked threads."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import partial

from gilbench.model.metrics import write
from gilbench.model.profile import ASKED_FOR, Profile, Stack
from gilbench.render.charts.chart import Chart, table_of_chart
from gilbench.render.charts.flame import Flames, WeightedStack, draw_flames, functions_of, live_flames
from gilbench.render.charts.style import HELD, OFF, WAIT
from gilbench.render.profile_threads import percent

_FUNCTIONS = 30  # rows of a table
_INSIDE = re.compile(r"(.+\)) in (\S+)", re.DOTALL)  # a function of Python's, and one of C that it called
_REST = 0.001  # share of other functions from which it is shown
NO_STACK = "no sample of it with the GIL"  # of a thread for which others waited


def flame_charts(profile: Profile) -> Iterator[Chart]:
    """Yield the flame graphs for which there is data."""
    yield from _sampled(profile)
    yield from _waited_for(profile)
    yield from _parked(profile)


def _sampled(profile: Profile) -> Iterator[Chart]:
    if not profile.stacks:
        return
    locks = profile.process.gil_enabled is False
    where = "on the CPU" if locks else "while they held the GIL"
    flames = Flames(
        [WeightedStack(stack.thread, stack.frames, stack.samples) for stack in profile.stacks],
        OFF if locks else HELD,
        "samples",
        "samples",
    )
    yield _chart(
        profile,
        flames,
        name="flame",
        title="Stacks on the CPU" if locks else "Stacks that held the GIL",
        summary=(
            f"Flame graph of {flames.total} samples of threads {where}. Callers are above the functions that they "
            "call; the width of a box is its share of the samples."
        ),
    )


def _waited_for(profile: Profile) -> Iterator[Chart]:
    """Yield the stacks of the holders, weighted by the waits for them."""
    stacks: defaultdict[int | None, list[Stack]] = defaultdict(list)
    for stack in profile.stacks:
        stacks[stack.tid].append(stack)
    waits: defaultdict[int, float] = defaultdict(float)
    for blame in profile.blames:
        waits[blame.holder] += blame.seconds
    if not any(stacks.get(tid) for tid in waits):
        return
    names = {thread.tid: thread.name or f"thread {thread.tid}" for thread in profile.threads}
    weighted = []
    for tid, seconds in waits.items():
        held = stacks.get(tid, ())
        samples = sum(stack.samples for stack in held)
        weighted += [
            WeightedStack(stack.thread, stack.frames, seconds * stack.samples / samples) for stack in held
        ]
        if not held:
            weighted.append(WeightedStack(names.get(tid, f"thread {tid}"), (NO_STACK,), seconds))
    flames = Flames(weighted, WAIT, "s", "wait time")
    yield _chart(
        profile,
        flames,
        name="flame-waits",
        title="Stacks that others waited for",
        summary=(
            f"Flame graph of {write(flames.total, 's')} in which threads waited for the GIL, by the thread that held "
            "it at the start of the wait. The waits for a thread are divided among its stacks by their samples with "
            "the GIL; whether another thread waited during a sample is unknown."
        ),
    )


def _parked(profile: Profile) -> Iterator[Chart]:
    if profile.process.gil_enabled is not False or not profile.functions:
        return
    seconds = sum(
        one.seconds for thread in profile.threads for one in thread.parked if one.kind not in ASKED_FOR
    )
    if not seconds:
        return
    weighted = []
    for share in profile.functions:
        found = _INSIDE.fullmatch(share.name)
        frames = found.groups() if found else (share.name,)
        weighted.append(WeightedStack(None, frames, share.value * seconds))
    rest = 1.0 - sum(share.value for share in profile.functions)
    if rest > _REST:
        weighted.append(WeightedStack(None, ("other functions",), rest * seconds))
    yield _chart(
        profile,
        Flames(weighted, WAIT, "s", "parked time"),
        name="flame-parked",
        title="Functions that parked",
        summary=(
            f"Flame graph of {write(seconds, 's')} in which threads were parked, by the innermost function of Python's "
            "and the function of C that it called. Their callers are not recorded."
        ),
    )


def _chart(profile: Profile, flames: Flames, *, name: str, title: str, summary: str) -> Chart:
    return Chart(
        name=name,
        title=title,
        summary=summary,
        table=table_of_chart(
            ("function", "itself (%)", "with callees (%)"),
            ((frame, percent(own), percent(whole)) for frame, own, whole in functions_of(flames, _FUNCTIONS)),
        ),
        draw=partial(draw_flames, flames),
        live=partial(live_flames, flames, {line.frame: line.text for line in profile.sources}),
    )
