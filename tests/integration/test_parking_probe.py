from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from interpreters_fixture import absent, interpreter
from watched import need_bpftrace, watched

from gilbench.model.profile import ProfiledThread
from gilbench.observe.gil.parking_probe import ParkingProbe
from gilbench.observe.gil.probe import GilFigures

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
stop = False
def watch():
    while not stop: pass
thread = threading.Thread(target=watch); thread.start()
count, took, worked = 0, 0.0, 0.0
for count in range(1, 21):
    time.sleep(0.03); began, before = time.monotonic(), time.thread_time(); gc.collect()
    took += time.monotonic() - began; worked += time.thread_time() - before
stop = True; thread.join()
said = {"collections": count, "worked": worked, "took": took, "watcher": thread.native_id}
"""
# One thread waits for something of each kind that the program's own code can wait for.
ASK = """
import queue, threading, time
def locked(kind):
    one = kind(); one.acquire(); return one.acquire, one.release
def condition():
    one = threading.Condition()
    def wait():
        with one: one.wait()
    def notify():
        with one: one.notify()
    return wait, notify
def filled(kind):
    one = kind(); return one.get, lambda: one.put(1)
def event():
    one = threading.Event(); return one.wait, one.set
wait, end = {kind}
begun = []
def begin():
    begun.append(True); wait()
thread = threading.Thread(target=begin); thread.start()
def asleep():
    with open("/proc/self/task/%d/stat" % thread.native_id) as stat: return ") S " in stat.read()
while not (begun and asleep()): time.sleep(0.05)
time.sleep(0.4); end(); thread.join()
said = thread.native_id
"""
LOCK = "locked(threading.Lock)"
OWN = {
    LOCK: "thread lock",
    "locked(threading.RLock)": "thread lock",
    "condition()": "thread lock",
    "event()": "thread lock",
    "filled(queue.Queue)": "thread lock",
    "filled(queue.SimpleQueue)": "event",
}


def executable(build: str) -> str:
    """A free-threaded build: CI has that of 3.13, the others are tested where they are found."""
    return interpreter(build).executable


def parks(figures: GilFigures, tids: list[int]) -> list[int]:
    """How often each of some threads parked at a critical section."""
    parked = {thread.tid: {one.kind: one.count for one in thread.parked} for thread in figures.threads}
    return [parked[tid].get("critical section", 0) for tid in tids]


@pytest.mark.parametrize("build", BUILDS)
def test_one_shared_dict_and_dicts_of_their_own_are_told_apart(build: str) -> None:
    need_bpftrace()
    free = executable(build)
    shared, crew = watched(ParkingProbe(), free, FILL.format(shared=True))
    own, apart = watched(ParkingProbe(), free, FILL.format(shared=False))
    together = parks(shared, crew)
    assert sum(together) > 0  # how often depends on the host: threads must meet on two CPUs
    assert shared.functions[0].name.startswith("fill (<string>:8) in ")
    assert "PyDict_SetItem" in shared.functions[0].name
    assert shared.functions[0].value > 0.8
    assert sum(parks(own, apart)) < sum(together)
    assert not any(name.name.startswith("fill") for name in own.functions)


@pytest.mark.parametrize("build", BUILDS)
def test_stop_the_world_pauses_are_as_many_and_as_long_as_the_program_sees(build: str) -> None:
    need_bpftrace()
    figures, said = watched(ParkingProbe(), executable(build), COLLECT)
    assert figures.pauses is not None
    # A collection stops the world twice (gc_free_threading.c); threads that come and go may add one.
    assert 0 <= figures.pauses.count - 2 * said["collections"] <= 2
    # The pauses are a part of each collection, where most of its work is. Other processes stretch both.
    assert 0.8 * said["worked"] < figures.pauses.seconds < 1.02 * said["took"]
    watcher = next(thread for thread in figures.threads if thread.tid == said["watcher"])
    stopped = next(one for one in watcher.parked if one.kind == "stop-the-world")
    assert abs(stopped.seconds / figures.pauses.seconds - 1) < 0.2
    assert figures.functions[0].name.startswith("watch (")


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("build", BUILDS)
def test_a_wait_that_the_program_asked_for_is_blocked_and_no_wait_for_the_interpreter(
    build: str, kind: str
) -> None:
    need_bpftrace()
    thread = asking(executable(build), kind)
    assert thread.gil_wait is not None
    assert thread.blocked is not None
    assert thread.gil_wait < 0.2 * thread.blocked  # on a busy host it waits for locks of the interpreter, too
    assert thread.blocked > 0.6 * thread.alive
    if (build, kind) != ("3.13t", "locked(threading.RLock)"):  # waits on a semaphore of the C library
        assert sum(one.seconds for one in thread.parked if one.kind == OWN[kind]) > 0.2


@pytest.mark.parametrize("build", BUILDS)
def test_without_local_symbols_the_owner_of_a_lock_is_not_known(build: str, tmp_path: Path) -> None:
    need_bpftrace()
    whole = Path(executable(build))
    strip = shutil.which("strip")
    if strip is None:
        absent("no strip")
    bare = tmp_path / "bin" / whole.name
    bare.parent.mkdir()
    (tmp_path / "pyvenv.cfg").write_text(f"home = {whole.parent}\n")
    subprocess.run([strip, "-o", str(bare), str(whole)], check=True, timeout=60)
    thread = asking(str(bare), LOCK)
    assert "lock whose owner is not known" in {one.kind for one in thread.parked}
    assert "object lock" not in {one.kind for one in thread.parked}
    assert thread.blocked is not None
    assert thread.blocked > 0.6 * thread.alive


def asking(executable: str, kind: str) -> ProfiledThread:
    """What the probe saw of a thread that waits for something of a kind."""
    figures, tid = watched(ParkingProbe(), executable, ASK.format(kind=kind))
    return next(thread for thread in figures.threads if thread.tid == tid)
