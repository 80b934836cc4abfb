"""Wake up a thousand times a second, and see how late.

The kernel wakes the thread in time; after that it needs the GIL, as after every call that blocks. Ticks are due at
random distances, ``interval`` seconds in the mean, and one that the thread slept through is late all the same. Unit:
ticks; taken: lateness.
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
    """The moments say it all."""


def foreground(state, moments):
    latencies = []
    for due in moments:
        moment = now()
        while moment < due:
            time.sleep(due - moment)
            moment = now()
        latencies.append(moment - due)
    return {"latencies": latencies}
