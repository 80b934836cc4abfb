"""Another process sends 50 signals a second while N threads count down: how many are handled, and how late.

The kernel delivers at once, but the handler is Python code and runs in the main thread alone, which needs the
GIL for it. ``main`` says what the main thread does meanwhile: ``asleep`` (in time.sleep), ``busy`` (counts
down too), in Thread.``join``, in Lock.acquire (``lock``), or in C calls that keep the GIL for ``hold`` seconds
each (``c_call``). Python 2 cannot interrupt join and acquire, and handles the signal when they return. Signals
that arrive before the last one was handled are lost for good. They come at random distances, from 0.5 to 1.5 times
``interval`` seconds, so they do not keep step with the switch interval. Unit: signals.
Source: D. Beazley, "Understanding the Python GIL", 2010.
"""

import waiting

WORKLOAD = {
    "core": True,
    "driver": "signals",
    "peer": "signals",
    "unit": "signals",
    "parameters": {
        "background": "countdown",
        "main": "asleep",
        "signal": "SIGURG",
        "interval": 0.02,
        "hold": 0.1,
    },
    "choices": {"main": ["asleep", "busy", "join", "lock", "c_call"]},
    "quiet_case": True,
}
prepare = waiting.prepare


def await_signals(parameters, until, stamps):
    waiting.wait(parameters, until)
