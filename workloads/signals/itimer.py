"""A timer of the kernel sends SIGALRM about every 10 ms while N threads count down: how late is the handler.

As ``delivery`` with no other process: the signal is due at a known moment, and it may interrupt whichever thread
runs. The timer is periodic, so each slice has another period, by up to a quarter of ``interval``, and does not keep
step with the switch interval. What profilers that sample by setitimer, and programs with alarms, rely on. Unit:
signals. Source: getitimer(2); the sampling of statistical profilers in Python.
"""

import signal
from signal import setitimer  # an interpreter that has none is said to lack it

import waiting
from clocks import now

WORKLOAD = {
    "driver": "signals",
    "scheduled": True,
    "unit": "signals",
    "parameters": {"background": "countdown", "main": "asleep", "signal": "SIGALRM", "interval": 0.01},
    "quiet_case": True,
}


def await_signals(parameters, until, stamps):
    interval = parameters["interval"]
    count = int((until - 0.1 - now()) / interval)
    start = now()
    setitimer(signal.ITIMER_REAL, interval, interval)
    try:
        waiting.wait(parameters, start + (count + 0.5) * interval)
    finally:
        setitimer(signal.ITIMER_REAL, 0)
    return [start + (index + 1) * interval for index in range(count)]
