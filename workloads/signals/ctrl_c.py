"""Another process sends 20 SIGINT a second while N threads count down: when is KeyboardInterrupt seen.

As ``delivery``, up to the moment in which the exception has left what the main thread was doing and is caught:
what a user feels who presses ^C. ``main`` as there; in a call that cannot be interrupted it is seen when that
has returned. Unit: interrupts. Source: D. Beazley, "Inside the Python GIL", 2009, whose programs with threads could
not be stopped with ^C.
"""

import sys

from clocks import now
from loading import Unsupported
from waiting import Waiting, prepare  # noqa: F401 - prepare is called by the driver

WORKLOAD = {
    "driver": "signals",
    "peer": "signals",
    "unit": "interrupts",
    "parameters": {
        "background": "countdown",
        "main": "asleep",
        "signal": "SIGINT",
        "interval": 0.05,
        "hold": 0.5,
    },
    "choices": {"main": ["asleep", "busy", "join", "lock", "c_call"]},
    "least_seconds": 1.0,
    "quiet_case": True,
}
LOST = 0.02  # s after which an exception that was raised and not seen has been swallowed, as __del__ does
armed = [False]
raised = [None]  # when, until it is seen


def handler(parameters):
    if sys.platform.startswith("java"):
        raise Unsupported(
            "on the JVM a handler runs in a thread of its own, and cannot interrupt the main thread"
        )

    def interrupt(number, frame):
        # What signal.default_int_handler does, but only where it is caught.
        if armed[0] and (raised[0] is None or now() - raised[0] > LOST):
            raised[0] = now()
            raise KeyboardInterrupt

    return interrupt


def await_signals(parameters, until, stamps):
    waiting = Waiting(parameters, until)
    while not waiting.over():
        try:
            wait_for_one(waiting, stamps)
        except KeyboardInterrupt:  # the next one, while the last one was being seen
            stamps.append(now())
        finally:
            armed[0] = False
    waiting.finish()


def wait_for_one(waiting, stamps):
    try:
        raised[0] = None
        armed[0] = True
        waiting.wait()
    except KeyboardInterrupt:
        armed[0] = False
        stamps.append(now())
