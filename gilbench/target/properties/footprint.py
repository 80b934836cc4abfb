"""Memory by the operating system: of small objects, and of threads that wait."""

import gc
import os
import sys
import threading
import time

JAVA = sys.platform.startswith("java")


class Point(object):
    """An object with two attributes."""

    def __init__(self, number):
        self.x, self.y = number, number


KINDS = {
    "float": float,
    "tuple": lambda number: (number, number),
    "list": lambda number: [number],
    "dict": lambda number: {"x": number},
    "object": Point,
}


def resident():
    """Bytes in physical memory; on the JVM, which takes what it may, those of its heap in use."""
    if JAVA:
        from java.lang import Runtime

        for _ in range(3):
            gc.collect()
            time.sleep(0.02)
        machine = Runtime.getRuntime()
        return machine.totalMemory() - machine.freeMemory()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def objects(kind, count, rounds):
    """Bytes for each object of one kind, once for each round; all of them are kept."""
    make, kept, figures = KINDS[kind], [], []
    numbers = list(range(1000, 1000 + count))
    for _ in range(rounds + 1):
        slots = [None] * count
        before = resident()
        for place in range(count):
            slots[place] = make(numbers[place])
        figures.append((resident() - before) / float(count))
        kept.append(slots)
    return {"bytes": figures[1:]}  # the first fills what was free before


def idle_threads(count, rounds):
    """Bytes for each thread that waits for a lock, once for each round."""
    figures, stop = [], threading.Lock()
    stop.acquire()
    for _ in range(rounds + 1):
        before = resident_of_process()
        started = []

        def wait():
            started.append(1)
            stop.acquire()
            stop.release()

        threads = [threading.Thread(target=wait) for _ in range(count)]
        for one in threads:
            one.daemon = True
            one.start()
        while len(started) < count:
            time.sleep(0.002)
        figures.append((resident_of_process() - before) / float(count))
    stop.release()
    return {"bytes": figures[1:]}


def resident_of_process():
    """Bytes in physical memory of the whole process: a thread's stack is no part of a heap."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096
