"""What a finalizer may do: bring its object back to life, or meet a lock that its own thread holds."""

import gc
import threading

from crew import Crew
from properties.destruction import thread
from properties.timeouts import collected


AGAIN = 0.3  # s in which a finalizer that is called once more has surely run


class Phoenix(object):
    """An object that comes back to life when it ends."""

    def __init__(self, saved, ends, number):
        self.saved, self.ends, self.number = saved, ends, number

    def __del__(self):
        self.ends.append(self.number)
        self.saved.append(self)


def resurrection(count, threads, seconds):
    """Objects dropped by several threads at once: how many come back whole, and how often each one ends."""
    saved, ends = [], []

    def drop(index):
        for number in range(index * count, (index + 1) * count):
            Phoenix(saved, ends, number)

    Crew(threads).run(drop)
    collected(lambda: len(ends) == count * threads, seconds)
    whole = {one.number for one in list(saved) if one.saved is saved}
    first = len(ends)
    del saved[:]
    collected(lambda: len(ends) == 2 * first, AGAIN)
    return {"dropped": count * threads, "back": len(whole), "ended": first, "ended_again": len(ends) - first}


class Locking(object):
    """An object whose finalizer needs a lock; it only tries to take it."""

    def __init__(self, lock, holder, seen):
        self.lock, self.holder, self.seen = lock, holder, seen

    def __del__(self):
        free = self.lock.acquire(False)
        if free:
            self.lock.release()
        self.seen.append(not free and self.holder == thread())


def lock_held(count, seconds, cyclic):
    """Objects that are dropped, or collected, by a thread that holds the lock which their finalizer needs."""
    lock, seen = threading.Lock(), []
    for _ in range(count):
        with lock:
            kept = Locking(lock, thread(), seen)
            if cyclic:
                kept.itself = kept
            del kept
            if cyclic:
                gc.collect()
    collected(lambda: len(seen) == count, seconds)
    return {"dropped": count, "finalized": len(seen), "stuck": sum(list(seen))}
