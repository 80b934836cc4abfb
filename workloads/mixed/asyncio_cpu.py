"""An event loop that has something to do 100 times a second while N threads count down: how late it is.

What a service on asyncio suffers from a thread beside it: timers, answers and callbacks all wait for the GIL.
``interval``: mean seconds between two timers, which are due at random distances. Each has its due moment, whatever
became of the one before; up to 1 ms of lateness is asyncio's own, which rounds waits up to whole milliseconds. Unit:
timers; taken: lateness. Source: the slow-callback warnings of asyncio's debug mode; the event-loop lag that services on
asyncio watch.
"""

import asyncio

WORKLOAD = {
    "driver": "inside",
    "scheduled": True,
    "unit": "timers",
    "parameters": {"background": "countdown", "interval": 0.01},
    "requires": ["python>=3.7", "asyncio"],
    "quiet_case": True,
}


def prepare(parameters):
    return asyncio.new_event_loop()


def foreground(loop, moments):
    coming, latencies = iter(moments), []

    def tick(due):
        latencies.append(loop.time() - due)
        arm()

    def arm():
        due = next(coming, None)
        if due is None:
            loop.stop()
        else:
            loop.call_at(due, tick, due)

    arm()
    loop.run_forever()
    return {"latencies": latencies}
