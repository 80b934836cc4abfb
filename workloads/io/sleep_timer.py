"""Wake up every millisecond, and see how late.

The kernel wakes the thread in time; after that it needs the GIL, as after every call that blocks. Each tick has
its due moment, and one that the thread slept through is late all the same. Unit: ticks; taken: lateness.
Source: cyclictest of the Linux real-time tests.
"""

import time

from clocks import now

WORKLOAD = {
    "driver": "inside",
    "scheduled": True,
    "unit": "ticks",
    "parameters": {"interval": 0.001},
    "threads": [1],
}


def prepare(parameters):
    return parameters["interval"]


def foreground(interval, until):
    due, latencies = now() + interval, []
    while due < until:
        moment = now()
        while moment < due:
            time.sleep(due - moment)
            moment = now()
        latencies.append(moment - due)
        due += interval
    return {"latencies": latencies}
