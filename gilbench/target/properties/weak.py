"""Weak references while several threads make and drop what they refer to."""

import itertools
import weakref

import facts
from clocks import now
from crew import Crew
from properties.timeouts import collected

SWITCH_INTERVAL = 1e-5  # s; as for the other races
ALIVE, KEYS = 512, 997  # items of each thread that live at a time, and its keys: enough to iterate over


class Item(object):
    """Something that can be referred to weakly."""

    def __init__(self, number):
        self.number = number


def callbacks(count, threads, seconds):
    """Callbacks of weak references to objects that another thread has made: called once each, and on nothing."""
    called, references = [], []
    made = [[] for _ in range(threads)]

    def gone(reference):
        called.append(reference() is None)

    def make(index):
        for number in range(count):
            item = Item(number)
            references.append(weakref.ref(item, gone))
            made[index].append(item)

    def drop(index):
        mine = made[(index + 1) % threads]
        while mine:
            mine.pop()

    # Jython starts the thread that calls back with the first reference, and two threads that make it at once were
    # seen to leave it stuck in GlobalRef.createReaperThreadIfAbsent, in one process of eight.
    first = weakref.ref(Item(-1), lambda _reference: None)
    crew = Crew(threads)
    crew.run(make)
    crew.run(drop)
    del first
    total = count * threads
    collected(lambda: len(called) >= total, seconds)
    return {"references": len(references), "called": len(called), "on_nothing": sum(list(called))}


def dictionary(threads, seconds, timeout, iterate):
    """A weak dictionary that threads write to and read from, or also iterate over: how often that fails."""
    facts.set_switch_interval(SWITCH_INTERVAL)
    shared = weakref.WeakValueDictionary()
    failures, done = [], []

    def write(index, deadline):
        operations, alive = 0, [None] * ALIVE
        for number in itertools.count(index * 10**8):
            if now() >= deadline:
                break
            try:
                item = alive[number % ALIVE] = Item(number)
                shared[number % KEYS, index] = item
                found = shared.get((number % KEYS, (index + 1) % threads))
                if found is not None and found.number % KEYS != number % KEYS:
                    raise ValueError("value of another key")
                del item, found
            except Exception as error:
                failures.append("%s: %s" % (type(error).__name__, error))
            operations += 1
        done.append(operations)

    def read(index, deadline):
        passes = 0
        while now() < deadline:
            try:
                for item in list(shared.values()):
                    assert item.number >= 0  # noqa: S101 - it is read, and that is all
            except Exception as error:
                failures.append("%s: %s" % (type(error).__name__, error))
            passes += 1
        done.append(passes)

    deadline = now() + seconds
    crew = Crew(threads)
    crew.run(lambda index: (read if iterate and index == 0 else write)(index, deadline))
    if iterate:
        return {"operations": done[0], "failures": len(failures), "first": failures[0] if failures else None}
    collected(lambda: not list(shared.values()), timeout)
    return {
        "operations": sum(done),
        "failures": len(failures),
        "first": failures[0] if failures else None,
        "left": len(list(shared.values())),
    }
