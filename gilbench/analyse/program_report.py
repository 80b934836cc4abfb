"""A profile with what can be said about it: the gain without a GIL, what was measured of it, and sentences."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import msgspec

from gilbench.analyse.program_findings import TOO_SHORT, program_findings
from gilbench.analyse.whatif import program_cost, what_if, with_measured
from gilbench.model import Share
from gilbench.program import SHORTEST, ProgramProfile
from gilbench.run.verify import Verified


def judge(
    profile: ProgramProfile,
    cores: int,
    *,
    pieces: Sequence[ProgramProfile] = (),
    verified: Verified | None = None,
    verified_on: str = "",
) -> ProgramProfile:
    """Add what can be said about a program.

    Args:
        profile: What was seen.
        cores: That the program may use.
        pieces: Profiles of consecutive pieces of the same time, by ``pieces.pieces``; none: it is one piece.
        verified: Times of the same command on a free-threaded interpreter and on its own.
        verified_on: Name of the first.
    """
    if profile.duration < SHORTEST:
        return msgspec.structs.replace(profile, findings=(TOO_SHORT,))
    cost = None
    costs = profile.costs
    if verified is not None and verified.original:
        observed = profile.duration + (profile.process.start_up or 0.0)
        name = f"all of it, this run against the mean of {len(verified.original)}"
        costs = (Share(name=name, value=observed / statistics.fmean(verified.original)),)
        slow_downs = zip(verified.gil_on, verified.original, strict=True)
        slow_down = math.exp(statistics.fmean(math.log(after / before) for after, before in slow_downs))
        cost = program_cost(profile, slow_down)
    answer = what_if(profile, cores, pieces=pieces, cost=cost)
    complaints: tuple[str, ...] = ()
    if verified is not None:
        complaints = tuple(f"--verify: {complaint}" for complaint in verified.complaints)
        if answer is not None and verified.original:
            answer = with_measured(answer, verified.original, verified.threaded, verified_on)
    told = msgspec.structs.replace(
        profile, what_if=answer, costs=costs, unavailable=(*profile.unavailable, *complaints)
    )
    return msgspec.structs.replace(told, findings=program_findings(told))
