from __future__ import annotations

import pytest
from interpreters_fixture import interpreter, interpreter_if_found
from watched import need_bpftrace, watched

from gilbench.observe.gil.parking_probe import ParkingProbe

BUILDS = ("3.13t", "3.14t", "3.15t")

FILL = """
import threading, time
SHARED = {shared}
one = {{}}
end = time.monotonic() + 1.5
def fill(mine):
    while time.monotonic() < end:
        for key in range(200): mine[key] = key
crew = [threading.Thread(target=fill, args=(one if SHARED else {{}},)) for _ in range(2)]
for thread in crew: thread.start()
said = [thread.native_id for thread in crew]
for thread in crew: thread.join()
"""
COLLECT = """
import gc, threading, time
gc.disable()
rubbish = [[number] for number in range(200000)]
stop, stalls = False, []
def watch():
    last = time.monotonic()
    while not stop:
        now = time.monotonic()
        if now - last > 0.002: stalls.append(now - last)
        last = now
thread = threading.Thread(target=watch); thread.start()
count, took = 0, 0.0
for count in range(1, 21):
    time.sleep(0.03); began = time.monotonic(); gc.collect(); took += time.monotonic() - began
stop = True; thread.join()
said = {"collections": count, "stalled": sum(stalls), "took": took, "watcher": thread.native_id}
"""
# One thread holds a lock of each kind of the program's own, while another one waits for it.
ASK = """
import queue, threading, time
def held(lock):
    lock.acquire()
    return lock.acquire, lock.release
def lock(): return held(threading.Lock())
def rlock():
    lock = threading.RLock(); lock.acquire()
    return lock.acquire, lock.release
def condition():
    one = threading.Condition()
    def wait():
        with one: one.wait()
    def notify():
        with one: one.notify()
    return wait, notify
def event():
    one = threading.Event()
    return one.wait, one.set
def full():
    one = queue.Queue(); return one.get, lambda: one.put(1)
def simple():
    one = queue.SimpleQueue(); return one.get, lambda: one.put(1)
wait, end = {kind}()
thread = threading.Thread(target=wait); thread.start()
time.sleep(0.4); end(); thread.join()
said = thread.native_id
"""


def executable(build: str) -> str:
    """A free-threaded build: CI has that of 3.13, the others are tested where they are found."""
    return (interpreter(build) if build == BUILDS[0] else interpreter_if_found(build)).executable


@pytest.mark.parametrize("build", BUILDS)
def test_one_shared_dict_and_dicts_of_their_own_are_told_apart(build: str) -> None:
    need_bpftrace()
    free = executable(build)
    shared, crew = watched(ParkingProbe(), free, FILL.format(shared=True))
    own, _ = watched(ParkingProbe(), free, FILL.format(shared=False))
    by_thread = {thread.tid: thread for thread in shared.threads}
    parks = {tid: {one.kind: one.count for one in by_thread[tid].parked} for tid in crew}
    together = [kinds.get("critical section", 0) for kinds in parks.values()]
    assert min(together) > 0  # how often depends on the host: threads must meet on two CPUs
    assert shared.functions[0].name == "fill (<string>:8) in PyDict_SetItem"
    assert shared.functions[0].value > 0.8
    apart = sum(
        one.count for thread in own.threads for one in thread.parked if one.kind == "critical section"
    )
    assert apart < sum(together) / 2
    assert not any(name.name.startswith("fill") for name in own.functions)


@pytest.mark.parametrize("build", BUILDS)
def test_stop_the_world_pauses_are_as_many_and_as_long_as_the_program_sees(build: str) -> None:
    need_bpftrace()
    figures, said = watched(ParkingProbe(), executable(build), COLLECT)
    assert figures.pauses is not None
    # A collection stops the world twice (gc_free_threading.c); threads that come and go may add one.
    assert 0 <= figures.pauses.count - 2 * said["collections"] <= 2
    # The program sees the pauses and what other processes take from it; the pauses are a part of each collection.
    assert figures.pauses.seconds < said["took"] * 1.02
    assert figures.pauses.seconds > 0.8 * min(said["took"], said["stalled"])
    watcher = next(thread for thread in figures.threads if thread.tid == said["watcher"])
    stopped = next(one for one in watcher.parked if one.kind == "stop-the-world")
    assert abs(stopped.seconds / figures.pauses.seconds - 1) < 0.2
    assert figures.functions[0].name.startswith("watch (")


@pytest.mark.parametrize("kind", ["lock", "rlock", "condition", "event", "full", "simple"])
@pytest.mark.parametrize("build", BUILDS)
def test_a_wait_that_the_program_asked_for_is_blocked_and_no_wait_for_the_interpreter(
    build: str, kind: str
) -> None:
    need_bpftrace()
    figures, tid = watched(ParkingProbe(), executable(build), ASK.format(kind=kind))
    thread = next(thread for thread in figures.threads if thread.tid == tid)
    assert thread.gil_wait is not None
    assert thread.gil_wait < 0.02
    assert thread.blocked is not None
    assert thread.blocked > 0.6 * thread.alive
    wanted = "event" if kind == "simple" else "thread lock"
    if (build, kind) != ("3.13t", "rlock"):  # a semaphore of the C library
        assert sum(one.seconds for one in thread.parked if one.kind == wanted) > 0.2
