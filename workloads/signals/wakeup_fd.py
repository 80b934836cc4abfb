"""Signals seen through set_wakeup_fd, while N threads count down: how many, and how late.

The C handler writes a byte to a socket at once, whoever has the GIL; ``reader`` says who waits for it: the
``main`` thread in select, as event loops do, or another ``thread`` in recv. Both need the GIL to go on, but
none has to wait for the main thread to run a handler, and however late they are, no signal is lost that the
kernel has delivered. Python 2 alone writes no byte while a signal is pending. Unit: signals. Source:
signal.set_wakeup_fd's documentation; asyncio's and Twisted's way to see signals.
"""

import select
import socket
import threading
from signal import set_wakeup_fd  # an interpreter that has none is said to lack it

import waiting
from clocks import now

WORKLOAD = {
    "driver": "signals",
    "peer": "signals",
    "unit": "signals",
    "parameters": {
        "background": "countdown",
        "main": "asleep",
        "reader": "main",
        "signal": "SIGURG",
        "interval": 0.02,
    },
    "choices": {"reader": ["main", "thread"]},
    "quiet_case": True,
}


def handler(parameters):
    return lambda number, frame: None


def await_signals(parameters, until, stamps):
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    set_wakeup_fd(theirs.fileno())
    try:
        if parameters["reader"] == "main":
            read_selected(ours, until, stamps)
        else:
            reader = threading.Thread(target=read_blocking, args=(ours, stamps))
            reader.start()
            waiting.wait(parameters, until)
            theirs.shutdown(socket.SHUT_WR)
            reader.join()
    finally:
        set_wakeup_fd(-1)
        ours.close()
        theirs.close()


def read_selected(ours, until, stamps):
    while True:
        left = until - now()
        if left <= 0:
            return
        try:
            ready = select.select([ours], [], [], left)[0]
        except (EnvironmentError, select.error):  # Python 2: a handled signal ends the wait
            continue
        if ready:
            data = ours.recv(4096)
            stamps.extend([now()] * len(data))


def read_blocking(ours, stamps):
    while True:
        data = ours.recv(4096)
        if not data:
            return
        stamps.extend([now()] * len(data))
