"""Operations that programs take for atomic, done by several threads at once: how many updates are lost.

An operation is a function that makes what the threads share and returns ``work(index, deadline)``, which a thread
calls, and ``wrong(results)``, which counts what was lost or came twice: ``(wrong, updates)``.
"""

import collections
import itertools

import facts
from clocks import now
from crew import Crew

try:
    import queue
except ImportError:
    import Queue as queue  # noqa: N813 - its old name

SWITCH_INTERVAL = (
    1e-5  # s; Python 2: 10 ticks. Switching so often finds in 0.1 s what would else take minutes
)
BATCH = tuple(range(500))  # updates between two readings of the clock
SPACING = 10**8  # between the numbers of two threads
POOL = 40000  # things that the threads take from each other
CREATED = 4000  # objects that get attributes

_crews = {}
counter = 0


class Holder(object):
    """An object with attributes."""


def one():
    """Return 1, in a call of its own."""
    return 1


def timed(batch):
    """Work that repeats a batch until the deadline and returns the updates that it made."""

    def work(index, deadline):
        done = 0
        while now() < deadline:
            batch(index, done)
            done += len(BATCH)
        return done

    return work


def growing(batch, size):
    """A container that must hold one thing for each update."""
    return timed(batch), lambda results: (abs(sum(results) - size()), sum(results))


def list_append():
    shared = []

    def batch(index, done):
        for number in BATCH:
            shared.append(number)

    return growing(batch, lambda: len(shared))


def list_extend():
    shared, pair = [], (1, 2)

    def batch(index, done):
        for _ in BATCH:
            shared.extend(pair)

    return growing(batch, lambda: len(shared) // 2)


def deque_append():
    shared = collections.deque()

    def batch(index, done):
        for number in BATCH:
            shared.append(number)

    return growing(batch, lambda: len(shared))


def queue_put():
    shared = queue.Queue()

    def batch(index, done):
        for number in BATCH:
            shared.put(number)

    return growing(batch, shared.qsize)


def dict_set():
    shared = {}

    def batch(index, done):
        first = index * SPACING + done
        for number in BATCH:
            shared[first + number] = number

    return growing(batch, lambda: len(shared))


def set_add():
    shared = set()

    def batch(index, done):
        first = index * SPACING + done
        for number in BATCH:
            shared.add(first + number)

    return growing(batch, lambda: len(shared))


def taken(work):
    """Each of the pool must be taken by exactly one thread."""

    def wrong(results):
        caught = [number for result in results for number in result]
        distinct = len(set(caught))
        return POOL - distinct + len(caught) - distinct, POOL

    return work, wrong


def list_pop():
    shared = list(range(POOL))

    def work(index, deadline):
        caught = []
        try:
            while True:
                caught.append(shared.pop())
        except IndexError:
            return caught

    return taken(work)


def deque_popleft():
    shared = collections.deque(range(POOL))

    def work(index, deadline):
        caught = []
        try:
            while True:
                caught.append(shared.popleft())
        except IndexError:
            return caught

    return taken(work)


def dict_pop():
    shared = dict.fromkeys(range(POOL), True)

    def work(index, deadline):
        return [number for number in range(POOL) if shared.pop(number, False)]

    return taken(work)


def dict_setdefault():
    """All threads must be given the same value, whoever was first."""
    shared = {}

    def work(index, deadline):
        return [shared.setdefault(number, index) for number in range(POOL)]

    return work, lambda results: (sum(len(set(seen)) > 1 for seen in zip(*results)), POOL)


def attribute_set():
    shared = [Holder() for _ in range(CREATED)]

    def work(index, deadline):
        names = ["a%d_%d" % (index, number) for number in range(4)]
        for holder in shared:
            for name in names:
                setattr(holder, name, index)
        return len(shared) * len(names)

    return work, lambda results: (sum(results) - sum(len(vars(holder)) for holder in shared), sum(results))


def next_count():
    """A number that two threads are given was lost to one of them; so was one that a thread is not given at all."""
    shared = itertools.count()

    def work(index, deadline):
        caught = []
        while now() < deadline:
            for _ in BATCH:
                caught.append(next(shared, None))  # IronPython's ends when two threads meet in it
        return caught

    def wrong(results):
        caught = [number for result in results for number in result]
        return len(caught) - len(set(caught) - {None}), len(caught)

    return work, wrong


def add_global():
    global counter  # noqa: PLW0603 - what is tried
    counter = 0

    def batch(index, done):
        global counter  # noqa: PLW0603
        for _ in BATCH:
            counter += 1

    return growing(batch, lambda: counter)


def add_attribute():
    shared = Holder()
    shared.value = 0

    def batch(index, done):
        for _ in BATCH:
            shared.value += 1

    return growing(batch, lambda: shared.value)


def add_list_item():
    shared = [0]

    def batch(index, done):
        for _ in BATCH:
            shared[0] += 1

    return growing(batch, lambda: shared[0])


def add_dict_item():
    shared = {"value": 0}

    def batch(index, done):
        for _ in BATCH:
            shared["value"] += 1

    return growing(batch, lambda: shared["value"])


def add_call():
    """The old value is read before the call, and written after it."""
    shared = Holder()
    shared.value = 0

    def batch(index, done):
        for _ in BATCH:
            shared.value += one()

    return growing(batch, lambda: shared.value)


def interpret():
    """Turn PyPy's JIT off: once a loop is compiled, threads are stopped at its end alone, which hides what is lost."""
    try:
        import pypyjit
    except ImportError:
        return
    pypyjit.set_param("off")


def race(operation, threads, rounds, seconds):
    """Let threads do one operation on one object.

    Args:
        operation: Name of a function above.
        threads: How many.
        rounds: How often, each time on a new object.
        seconds: Length of a round, of those that end by the clock.
    """
    facts.set_switch_interval(SWITCH_INTERVAL)
    interpret()
    crew = _crews.setdefault(threads, None) or Crew(threads)
    _crews[threads] = crew
    counts = []
    for _ in range(rounds):
        work, wrong = globals()[operation]()
        deadline = now() + seconds
        counts.append(wrong(crew.run(lambda index, work=work, deadline=deadline: work(index, deadline))))
    return {"wrong": [lost for lost, _ in counts], "updates": [updates for _, updates in counts]}
