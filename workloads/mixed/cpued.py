"""Two threads of pure Python, and one that sleeps 0 every millisecond: how long that takes it.

``time.sleep(0)`` lets go of the GIL for next to no time. A thread that works for a millisecond, politely offers
the GIL and wants it back waits for a switch interval of each of the others, so it gets far less than its third
of the time. Taken: rounds of work and sleep, and how long each sleep took. From Python 3.11 on a sleep of 0 is a real
one, which the kernel's timer slack makes 50 us long; before it only asked select() for nothing. Unit: rounds.
Source: cpued.py of bpo-7946, by N. Aides and D. Beazley.
"""

import time

from clocks import now

WORKLOAD = {
    "driver": "inside",
    "scheduled": True,
    "unit": "rounds",
    "parameters": {"background": "countdown", "work": 0.001},
    "threads": [2],
    "quiet_case": True,
}


def count(start):
    n = start
    while n > 0:
        n -= 1
    return n


def prepare(parameters):
    return {"work": parameters["work"], "start": 1000}


def calibrate(state):
    """Find out how far to count in a round; a compiler gets a few tries to warm up."""
    for _ in range(10):
        began = now()
        count(state["start"])
        taken = max(now() - began, state["work"] / 100)
        state["start"] = max(1, int(state["start"] * state["work"] / taken))


def foreground(state, until):
    start, sleeps, began = state["start"], [], now()
    while True:
        if count(start) != 0:
            raise ValueError("counting down did not end at 0")
        before = now()
        time.sleep(0)
        moment = now()
        sleeps.append(moment - before)
        if moment >= until:
            return {"operations": len(sleeps), "window": moment - began, "latencies": sleeps}
