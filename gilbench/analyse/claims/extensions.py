"""Claim 7: extensions and the GIL."""

from __future__ import annotations

from gilbench.analyse.claims.claim import Claim, Experiment, Limit, wait
from gilbench.analyse.claims.evidence import Spot
from gilbench.model import Parameters

HOLD = 0.1  # s of each C call
PAUSE = 0.1  # s between two; so a tenth of all requests waits for 0.8 of a call and more, if they wait at all
BLOCKED = 0.02
"""s; a request that is not held up is answered within 2 ms, one in ten of those that are waits for 80 ms."""


def extensions() -> Claim:
    """Claim 7, by a C call that keeps the GIL and one that releases it, beside a thread that serves."""

    def experiment(how: str, what: str, limit: Limit) -> Experiment:
        # Sorted by name, without what is as declared: that is how a case names its parameters.
        ways: Parameters = () if how == "compute" else (("how", how),)
        spot = Spot("long_hold", 1, (*ways, ("pause", PAUSE)))
        return Experiment(
            key=how,
            part=what,
            measured=f"latency that one request in ten exceeds, beside {HOLD:g} s long C calls, in long_hold",
            spots=(spot,),
            read=wait(spot, 0.9),
            limit=limit,
        )

    return Claim(
        number=7,
        title="Extensions must be GIL-aware: one that does not release it blocks everybody",
        experiments=(
            experiment("compute", "one that keeps it blocks the others", Limit(BLOCKED, "above")),
            experiment("release", "one that releases it does not", Limit(BLOCKED, "below")),
        ),
    )
