"""Interpret a profile: the speedup without a GIL, the observers' overhead, and findings."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import msgspec

from gilbench.analyse.profile.findings import program_findings
from gilbench.analyse.profile.lanes import lanes_of
from gilbench.analyse.profile.replay import speedups
from gilbench.analyse.profile.whatif import program_cost, what_if, with_measured
from gilbench.model.events import Events
from gilbench.model.metrics import write
from gilbench.model.profile import SHORTEST, Profile, Verified, WhatIf
from gilbench.model.results import Caveat
from gilbench.model.study import Share


def interpret(
    profile: Profile,
    cores: int,
    *,
    segments: Sequence[Profile] = (),
    verified: Verified | None = None,
    verified_on: str = "",
    events: Events | None = None,
) -> Profile:
    """Add to a profile what follows from it.

    Args:
        profile: The profile, as observed.
        cores: CPUs that the program may use.
        segments: Consecutive segments of the same profile; empty: the whole is one segment.
        verified: Times of the same command on its own and on a free-threaded interpreter.
        verified_on: Name of the free-threaded interpreter.
        events: Recorded events of the same profile; None: nothing to replay.
    """
    if verified is not None:
        texts = (f"--verify: {complaint}" for complaint in verified.complaints)
        complaints = tuple(Caveat(kind="unavailable", subject="verify", text=text) for text in texts)
        profile = msgspec.structs.replace(profile, caveats=(*profile.caveats, *complaints))
    if profile.duration >= SHORTEST:
        timed = verified if verified is not None and verified.original else None
        profile = _estimated(profile, cores, segments, timed, verified_on)
        if events is not None:
            profile = msgspec.structs.replace(profile, lanes=lanes_of(events))
            if profile.what_if is not None:
                profile = _replayed(profile, profile.what_if, events)
    return msgspec.structs.replace(profile, findings=program_findings(profile))


def _estimated(
    profile: Profile, cores: int, segments: Sequence[Profile], timed: Verified | None, timed_on: str
) -> Profile:
    """Add bound, prediction and measured times."""
    if timed is None:
        return msgspec.structs.replace(profile, what_if=what_if(profile, cores, segments=segments))
    observed = profile.duration + profile.process.excluded
    name = f"all observers, this run / mean of {len(timed.original)}"
    overhead = Share(name=name, value=observed / statistics.fmean(timed.original))
    slow_downs = zip(timed.gil_on, timed.original, strict=True)
    slow_down = math.exp(statistics.fmean(math.log(after / before) for after, before in slow_downs))
    answer = what_if(profile, cores, segments=segments, cost=program_cost(profile, slow_down))
    if answer is not None:
        where = f"{timed_on} (GIL forced off)" if timed.forced else timed_on
        answer = with_measured(answer, timed.original, timed.threaded, where)
        answer = msgspec.structs.replace(answer, measured_cpu=_cpu_ratio(timed))
    return msgspec.structs.replace(profile, what_if=answer, costs=(overhead,))


def _cpu_ratio(timed: Verified) -> float | None:
    """Return the CPU time on the free-threaded build relative to the same build with its GIL."""
    pairs = zip(timed.threaded_cpu, timed.gil_on_cpu, strict=True)
    ratios = [math.log(after / before) for after, before in pairs if after > 0 and before > 0]
    return math.exp(statistics.fmean(ratios)) if ratios else None


def _replayed(profile: Profile, answer: WhatIf, events: Events) -> Profile:
    """Add the speedups of the recorded program, and what the record lacks."""
    start_up = 0.0 if events.truncated else profile.process.start_up or 0.0
    curve = tuple(
        msgspec.structs.replace(point, speedup=min(point.speedup, answer.bound))
        if point.cores <= answer.cores
        else point
        for point in speedups(events, answer.cores, start_up=start_up, cost=answer.one_thread_cost or 1.0)
    )
    gaps = []
    if events.truncated:
        seconds = write((events.end - events.begin) * 1e-9, "s")
        gaps.append(f"replay: only the first {seconds}; after {len(events.stamps)} events, recording stopped")
    if profile.probe.lost:
        gaps.append(f"replay: {profile.probe.lost} lost events")
    caveats = (Caveat(kind="unavailable", subject="replay", text=text) for text in gaps)
    return msgspec.structs.replace(
        profile,
        what_if=msgspec.structs.replace(answer, curve=curve),
        caveats=(*profile.caveats, *caveats),
    )
