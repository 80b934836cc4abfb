"""Claim 6: signals."""

from __future__ import annotations

from gilbench.analyse.claims.claim import Claim, Experiment, Limit, wait
from gilbench.analyse.claims.evidence import Spot

LATE = 0.01
"""s, two switch intervals; a thread that must wait for four busy ones waits for more. With the GIL at hand a handler
runs within 0.1 ms, on PyPy and Jython within 6 ms."""
LOST = 0.8
"""Fraction handled. Where each is handled in time it is 1, with four threads in the way it was seen to be half."""
STUCK = 0.05
"""s; a join that can be interrupted is within 10 ms, also beside a busy thread; one that cannot takes half a slice."""


def signals(cores: int) -> Claim:
    """Claim 6, with twice as many busy threads as there are processors, and with ^C at the worst of times."""
    busy = Spot("delivery", 2 * cores)
    join, call = (Spot("ctrl_c", 1, (("main", main),)) for main in ("join", "c_call"))

    return Claim(
        number=6,
        title="It prevents signals from being delivered",
        together="any",
        experiments=(
            Experiment(
                key="late",
                part=f"late beside {busy.threads} busy threads",
                measured=f"median time until a signal is handled beside {busy.threads} busy threads, in delivery",
                spots=(busy,),
                read=wait(busy, 0.5),
                limit=Limit(LATE, "above"),
            ),
            Experiment(
                key="lost",
                part=f"lost beside {busy.threads} busy threads",
                measured=f"signals handled beside {busy.threads} busy threads, in delivery",
                spots=(busy,),
                read=lambda evidence, column: evidence.served(column, busy),
                limit=Limit(LOST, "below"),
            ),
            Experiment(
                key="join",
                part="^C while the main thread joins another",
                measured="median time until ^C is seen in Thread.join beside a busy thread, in ctrl_c",
                spots=(join,),
                read=wait(join, 0.5),
                limit=Limit(STUCK, "above"),
            ),
            Experiment(
                key="c_call",
                part="^C while it is in a C call of 0.5 s, with or without a GIL",
                measured="median time until ^C is seen in C calls of 0.5 s, in ctrl_c",
                spots=(call,),
                read=wait(call, 0.5),
                limit=Limit(STUCK, "above"),
                aside=True,
            ),
        ),
    )
