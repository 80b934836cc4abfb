"""tcp_echo beside a thread that makes one long C call a second: what everybody else sees of it.

A C call that does not let go of the GIL (a large power, a sort, a regular expression gone wrong) stops every other
thread for its whole length, whatever the switch interval. The call is ``hold`` seconds long, one begins every
``hold + pause`` seconds; ``how``: ``compute`` in C, its length fitted to this processor, or ``sleep`` in C with the GIL
held, which is exact. Requests come on a schedule, so the stall is seen by all that arrive in it: the latency that
the fraction q of them exceeds is hold - q * (hold + pause). Unit: requests; taken: latency.
Source: D. Beazley, "Inside the Python GIL", 2009; G. Tene, "How NOT to Measure Latency".
"""

import time

from clocks import now
from holding import Hold

WORKLOAD = {
    "driver": "service",
    "foreground": "tcp_echo",
    "peer": "tcp",
    "scheduled": True,
    "least_seconds": 1.0,
    "unit": "requests",
    "parameters": {"background": "long_hold", "rate": 100, "hold": 0.1, "pause": 0.9, "how": "compute"},
    "threads": [1],
    "quiet_case": True,
}
LOOK = 0.005  # s between two looks at the clock, so that a slice can end


def prepare(parameters):
    period = parameters["hold"] + parameters["pause"]
    return {"hold": Hold(parameters["hold"], parameters["how"]), "period": period, "due": 0.0}


def operation(state):
    """Hold the GIL if it is time, else sleep a little."""
    moment, due, period = now(), state["due"], state["period"]
    if moment > due + period:  # the first one of a slice
        state["due"] = moment + period / 2
    elif moment >= due:
        state["hold"].call()
        state["due"] = due + period
    else:
        time.sleep(min(LOOK, due - moment))
    return 0
