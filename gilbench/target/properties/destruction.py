"""When and where finalizers run, and what is left of an object by then."""

import gc
import os
import threading

from clocks import now
from crew import Crew
from properties.timeouts import collected, until

STARTED = 5.0  # s until two threads have surely done their part, on a host that is busy with something else
CONTAINERS = 50000  # that live at once, so that a collector that counts them has a reason to come


def thread():
    """The calling thread; get_ident moved from one module to another."""
    return threading.current_thread().ident


class End(object):
    """An object that writes down its end, with what it knows of its own drop."""

    def __init__(self, drop, ends):
        self.drop, self.ends = drop, ends

    def __del__(self):
        self.ends.append((self.drop, now(), thread()))


def delays(ends, drops):
    """Seconds from drop to finalizer in the order of the drops, None where it did not run in time."""
    found = [None] * len(drops)
    for drop, end, _ in list(ends):
        found[drop] = end - drops[drop]
    return {"delays": found}


def same_thread(count, seconds):
    """Objects dropped by the thread that made them."""
    ends, drops = [], []
    for number in range(count):
        kept = End(number, ends)
        drops.append(now())
        del kept
    until(lambda: len(ends) == count, seconds)
    here = thread()
    return dict(delays(ends, drops), here=sum(where == here for _, _, where in list(ends)))


def handed_over(count, seconds, owner):
    """Objects made by one thread and dropped by another, while the first one computes, or is blocked."""
    ends, drops, made, droppers, done = [], [], [], [], []
    ready, blocked, stop = threading.Event(), threading.Lock(), []
    blocked.acquire()

    def make():
        for number in range(count):
            made.append(End(number, ends))
        ready.set()
        if owner == "asleep":
            blocked.acquire()
        else:
            while not stop:
                pass

    def drop():
        droppers.append(thread())
        ready.wait()
        for _ in range(count):
            drops.append(0.0)
        while made:
            kept = made.pop()
            number = kept.drop
            drops[number] = now()
            del kept
        done.append(True)

    def job(index):
        (drop if index else make)()

    crew = Crew(2)
    crew.start(job)
    until(lambda: done, STARTED)
    until(lambda: len(ends) == count, seconds)
    seen = list(ends)
    stop.append(True)
    blocked.release()
    crew.join()
    return dict(delays(seen, drops), here=sum(where in droppers for _, _, where in seen))


def cycle(count, seconds):
    """Cycles dropped by a thread that goes on making containers."""
    ends, drops = [], []
    for number in range(count):
        kept = End(number, ends)
        kept.itself = kept
        drops.append(now())
        del kept
    deadline = now() + seconds
    while len(ends) < count and now() < deadline:
        others = [[] for _ in range(CONTAINERS)]
        del others
    return dict(delays(ends, drops), garbage=uncollectable(End))


def uncollectable(kind):
    """Objects that the collector found and will not finalize, which Python 2 keeps in a list."""
    gc.collect()
    return sum(isinstance(one, kind) for one in getattr(gc, "garbage", ()))


def file(count, seconds, folder):
    """Files written to and dropped without being closed: when what was written is there."""
    found = []
    for number in range(count):
        path = os.path.join(folder, "dropped-%d-%d" % (os.getpid(), number))
        kept = open(path, "w")
        kept.write("written")
        dropped = now()
        del kept
        there = until(lambda path=path: os.path.getsize(path) > 0, seconds / count)
        found.append(now() - dropped if there else None)
    return {"delays": found}


class Part(object):
    """What an object holds; it knows its own end."""

    alive = True

    def __del__(self):
        self.alive = False


class Whole(object):
    """An object that reads its attributes when it is finalized."""

    def __init__(self, seen):
        self.seen = seen
        self.part = Part()

    def __del__(self):
        part = getattr(self, "part", None)
        self.seen.append((part is not None, getattr(part, "alive", False)))


def order(count, seconds, cyclic):
    """Objects that hold another one, alone or in a cycle with it: what of it is left in the finalizer."""
    seen = []
    for _ in range(count):
        kept = Whole(seen)
        if cyclic:
            kept.part.whole = kept
        del kept
    collected(lambda: len(seen) == count, seconds)
    looked = list(seen)
    return {
        "dropped": count,
        "finalized": len(looked),
        "there": sum(there for there, _ in looked),
        "before_part": sum(alive for _, alive in looked),
        "garbage": uncollectable(Whole),
    }
