"""Memory by the operating system: of small objects, and of threads that wait."""

import threading
import time

import facts
from properties.timeouts import collect

_kept = []


class TwoAttributes(object):
    """An object with two attributes."""

    def __init__(self, number):
        self.x, self.y = number, number


KINDS = {
    "float": float,
    "tuple": lambda number: (number, number),
    "list": lambda number: [number],
    "dict": lambda number: {"x": number},
    "object": TwoAttributes,
}


def resident():
    """Bytes in physical memory."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))


def in_use():
    """Bytes that objects take: on a virtual machine, which takes memory in advance, those of its heap."""
    collect()
    if facts.JVM:
        from java.lang import Runtime

        machine = Runtime.getRuntime()
        return machine.totalMemory() - machine.freeMemory()
    if facts.DOTNET:
        from System import GC

        return GC.GetTotalMemory(False)
    return resident()


def objects(kind, count, rounds):
    """Bytes for each object of one kind, once for each round; all of them are kept."""
    make, figures = KINDS[kind], []
    numbers = list(range(1000, 1000 + count))
    for _ in range(rounds + 1):
        slots = [None] * count
        _kept.append(
            slots
        )  # to the end of the process: what is freed would be filled before memory is asked for
        before = in_use()
        for place in range(count):
            slots[place] = make(numbers[place])
        figures.append((in_use() - before) / float(count))
    return {"bytes": figures[1:]}  # the first fills what was free before


def idle_threads(count, rounds):
    """Bytes for each thread that waits for a lock, once for each round."""
    figures, stop = [], threading.Lock()
    stop.acquire()
    for _ in range(rounds + 1):
        before = resident()
        started = []

        def wait(started=started):
            started.append(1)
            stop.acquire()
            stop.release()

        threads = [threading.Thread(target=wait) for _ in range(count)]
        for one in threads:
            one.daemon = True
            one.start()
        while len(started) < count:
            time.sleep(0.002)
        figures.append((resident() - before) / float(count))
    stop.release()
    return {"bytes": figures[1:]}
