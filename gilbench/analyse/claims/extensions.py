"""Claim 7: extensions and the GIL."""

from __future__ import annotations

import math

from gilbench.analyse.claims.claim import Claim, ClaimExperiment, Limit, delay
from gilbench.analyse.claims.evidence import Spot
from gilbench.model.study import Parameters
from gilbench.plan.axes import SWITCH_INTERVAL

HOLD = 0.1  # s of each C call
PAUSE = 0.1  # s between two calls: if requests wait, one in ten waits for 80% of a call or more
BLOCKED = math.sqrt(SWITCH_INTERVAL * 0.8 * HOLD)
"""s, 20 ms: halfway, as a ratio, between one switch interval and what one in ten blocked requests waits. A request that
is not blocked is answered within 2 ms."""


def extensions() -> Claim:
    """Claim 7, with a C call that holds the GIL and one that releases it, next to a thread that serves."""

    def experiment(how: str, what: str, limit: Limit, *, aside: bool = False) -> ClaimExperiment:
        # As a case has its parameters: sorted by name, without those that are as declared.
        ways: Parameters = () if how == "compute" else (("how", how),)
        spot = Spot("long_hold", 1, (*ways, ("pause", PAUSE)))
        return ClaimExperiment(
            key=how,
            part=what,
            measured=f"90th percentile of latency during C calls of {HOLD:g} s (long_hold)",
            spots=(spot,),
            read=delay(spot, 0.9),
            limit=limit,
            aside=aside,
        )

    return Claim(
        number=7,
        title="Extensions must be GIL-aware: one that does not release the GIL blocks all other threads",
        experiments=(
            experiment("compute", "a call that holds the GIL blocks the others", Limit(BLOCKED, "above")),
            # The negative control: without a GIL, there is nothing that it could show.
            experiment("release", "a call that releases it does not", Limit(BLOCKED, "below"), aside=True),
        ),
    )
