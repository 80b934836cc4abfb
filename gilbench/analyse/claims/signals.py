"""Claim 6: signals."""

from __future__ import annotations

import math
from collections.abc import Callable

from gilbench.analyse.claims.claim import Claim, ClaimExperiment, Limit, delay
from gilbench.analyse.claims.evidence import Evidence, Spot
from gilbench.model.scores import Configuration
from gilbench.plan.axes import SWITCH_INTERVAL

LATE = 2 * SWITCH_INTERVAL
"""s; a thread that waits for four CPU-bound threads waits longer. If the GIL is free, a handler runs within 0.1 ms, on
PyPy and Jython within 6 ms. On a host whose timers are late, the limit is later by as much."""
LOST = math.sqrt(0.5)
"""Fraction handled: halfway, as a ratio, between all and a half. It is 1 if each signal is handled in time; half was
seen with four CPU-bound threads."""
CALL = 0.5  # s of a C call
STUCK = math.sqrt(2 * SWITCH_INTERVAL * CALL / 2)
"""s, 50 ms: halfway, as a ratio, between two switch intervals and half a call. An interruptible join ends within 10 ms
even with a CPU-bound thread; another one takes half a slice, which is longer than half a call."""


def _later(spot: Spot) -> Callable[[Evidence, Configuration, Limit], Limit]:
    """Add the lateness of this host's timers to a limit."""

    def adapt(evidence: Evidence, configuration: Configuration, limit: Limit) -> Limit:
        return limit._replace(value=limit.value + evidence.lateness(configuration, spot))

    return adapt


def signals(cores: int, cpus: int | None) -> Claim:
    """Claim 6, with twice as many CPU-bound threads as CPUs, and with Ctrl-C in a join and in a C call."""
    busy = Spot("delivery", 2 * cores, cpus=cpus)
    join, call = (Spot("ctrl_c", 1, (("main", main),)) for main in ("join", "c_call"))

    return Claim(
        number=6,
        title="The GIL prevents signals from being handled",
        together="any",
        experiments=(
            ClaimExperiment(
                key="late",
                part=f"late with {busy.threads} CPU-bound threads",
                measured=f"median delay of signal handlers with {busy.threads} CPU-bound threads (delivery)",
                spots=(busy,),
                read=delay(busy, 0.5),
                limit=Limit(LATE, "above"),
                adapt=_later(busy),
            ),
            ClaimExperiment(
                key="lost",
                part=f"lost with {busy.threads} CPU-bound threads",
                measured=f"signals handled with {busy.threads} CPU-bound threads (delivery)",
                spots=(busy,),
                read=lambda evidence, configuration: evidence.handled(configuration, busy),
                limit=Limit(LOST, "below"),
            ),
            ClaimExperiment(
                key="join",
                part="Ctrl-C in Thread.join",
                measured="median delay of Ctrl-C in Thread.join, with a CPU-bound thread (ctrl_c)",
                spots=(join,),
                read=delay(join, 0.5),
                limit=Limit(STUCK, "above"),
            ),
            ClaimExperiment(
                key="c_call",
                part="Ctrl-C in a C call of 0.5 s, with or without a GIL",
                measured="median delay of Ctrl-C in C calls of 0.5 s (ctrl_c)",
                spots=(call,),
                read=delay(call, 0.5),
                limit=Limit(STUCK, "above"),
                aside=True,
            ),
        ),
    )
