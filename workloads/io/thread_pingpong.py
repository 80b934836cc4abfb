"""Two threads of one process hand a number to and fro, through a queue, a lock or an event.

Whoever waits has let go of the GIL, and who wakes it must still let go: each hand-over is a race for the GIL
between the one that has just given and the one that has just got. Unit: round trips. Source: the hand-over
between threads of the "threading" benchmarks of bpo-7946 and of D. Beazley's talk of 2010.
"""

import threading

try:
    from Queue import Queue
except ImportError:
    from queue import Queue

from clocks import now
from crew import Crew

WORKLOAD = {
    "driver": "inside",
    "unit": "round trips",
    "parameters": {"through": "queue"},
    "choices": {"through": ["queue", "lock", "event"]},
    "threads": [2],
}
STOP = -1
BETWEEN = 10  # round trips between two looks at the clock


class ByQueue(object):
    """One direction."""

    def __init__(self):
        queue = Queue()
        self.put, self.get = queue.put, queue.get


class ByLock(object):
    """One direction: a lock that the giver releases and the taker acquires."""

    def __init__(self):
        self.lock = threading.Lock()
        self.lock.acquire()
        self.value = None

    def put(self, value):
        """Give."""
        self.value = value
        self.lock.release()

    def get(self):
        """Take."""
        self.lock.acquire()
        return self.value


class ByEvent(object):
    """One direction: an event that the giver sets and the taker clears."""

    def __init__(self):
        self.event = threading.Event()
        self.value = None

    def put(self, value):
        """Give."""
        self.value = value
        self.event.set()

    def get(self):
        """Take."""
        self.event.wait()
        self.event.clear()
        return self.value


def prepare(parameters):
    kind = {"queue": ByQueue, "lock": ByLock, "event": ByEvent}[parameters["through"]]
    return kind(), kind(), Crew(1)


def foreground(state, until):
    there, back, crew = state

    def answer(index):
        while True:
            number = there.get()
            if number == STOP:
                return
            back.put(number + 1)

    crew.start(answer)
    count, started = 0, now()
    while True:
        for _ in range(BETWEEN):
            there.put(count)
            count += 1
            if back.get() != count:
                raise ValueError("a number came back wrong")
        moment = now()
        if moment >= until:
            break
    there.put(STOP)
    crew.join()
    return {"operations": count, "window": moment - started}
