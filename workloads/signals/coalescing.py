"""Signals come from another process at four rates while N threads count down: what fraction is handled.

A signal that is pending is not pending twice: the kernel and the interpreter merge it with the next one. So
the higher the rate and the later the handler, the more are lost; with one handler call every switch interval
there is a ceiling to the rate at which signals can be handled at all. ``interval``: mean seconds between two.
Unit: signals. Source: signal(7); D. Beazley, "Understanding the Python GIL", 2010.
"""

import waiting

WORKLOAD = {
    "driver": "signals",
    "peer": "signals",
    "unit": "signals",
    "parameters": {"background": "countdown", "main": "asleep", "signal": "SIGURG", "interval": 0.02},
    "choices": {"interval": [0.02, 0.005, 0.001, 0.0002]},
    "quiet_case": True,
}


def await_signals(parameters, until, stamps):
    waiting.wait(parameters, until)
