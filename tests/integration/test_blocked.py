"""What the threads of real interpreters sleep on, and in which functions."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from commands import SYSTEM_PYTHON, gilbench, without_root
from interpreters_fixture import interpreter
from watched import let_go, started

from gilbench.model.profile import LOCK, Blocked
from gilbench.observe.blocked import BlockedSampler, BlockedSamples
from gilbench.observe.running import find_python

SPECS = ("2.7", "3.11", "3.13", "3.14")
LIMIT = 30.0  # s for the samples, on a loaded host

# Each thread does one thing until the program is killed; ``said`` has their kernel's numbers. It runs on 2.7, too.
PROGRAM = """
import ctypes, logging, os, socket, subprocess, threading, time
try: import queue
except ImportError: import Queue as queue
class Slow:
    def __str__(self): time.sleep(0.05); return "slow"
logging.basicConfig(stream=open(os.devnull, "w"), level=logging.INFO)
def logs():
    while True: logging.info("%s", Slow())
def computes():
    while True: sum(range(500))
tasks, begin, never = queue.Queue(), threading.Event(), threading.Event()
one, other = socket.socketpair(), socket.socketpair()
other[0].settimeout(600)
def gets(): tasks.get()
def receives(): one[0].recv(1)
def receives_in_time(): other[0].recv(1)
def sleeps(): time.sleep(600)
def waits(): never.wait()
def child(): subprocess.Popen(["cat"], stdin=subprocess.PIPE).wait()  # which ends with the program
gettid = ctypes.CDLL(None).syscall
said = {}
def known(work):
    said[threading.current_thread().name] = gettid(186)
    begin.wait()
    work()
for work, number in [(logs, 0), (logs, 1), (logs, 2), (computes, 0), (computes, 1), (gets, 0), (receives, 0),
        (receives_in_time, 0), (sleeps, 0), (waits, 0), (child, 0)]:
    thread = threading.Thread(target=known, args=(work,), name=work.__name__ + str(number))
    thread.daemon = True
    thread.start()
while len(said) < 11: time.sleep(0.01)
begin.set()
time.sleep(0.3)
"""
IDLE = """
import threading
gate = threading.Event()
def idles(): gate.wait()
for _ in range(1000): threading.Thread(target=idles, daemon=True).start()
said = None
"""


def sampled(executable: str, program: str, dumps: int) -> tuple[BlockedSamples, dict[str, int], float]:
    """What was seen of a program, the numbers of its threads by name, and the CPU time in s of the samples."""
    with started(executable, program) as child:
        tids = let_go(child)
        python = find_python(child.pid)
        begun = sum(os.times()[:4])
        sampler = BlockedSampler(python)
        limit = time.monotonic() + LIMIT
        while sampler.dumps < dumps and time.monotonic() < limit:
            time.sleep(0.05)
        seen = sampler.finish()
        cost = sum(os.times()[:4]) - begun
    assert seen.unavailable is None
    return seen, tids, cost


def mostly(seen: BlockedSamples, tid: int) -> Blocked:
    """The most frequent sleep of a thread whose function is known."""
    return next(one for one in seen.blocked if one.tid == tid and one.function is not None)


def kinds(seen: BlockedSamples, tid: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in seen.blocked:
        if one.tid == tid:
            counts[one.kind] += one.samples  # type: ignore[assignment]
    return counts


@pytest.mark.parametrize("spec", SPECS)
def test_each_kind_of_sleep_is_named_with_its_function(spec: str) -> None:
    seen, tids, _ = sampled(interpreter(spec).executable, PROGRAM, dumps=5)
    logging = {tids[name] for name in ("logs0", "logs1", "logs2")}
    waits: dict[int | None, set[int]] = defaultdict(set)
    locked = [one for one in seen.blocked if one.tid in logging and one.kind == LOCK]
    named = [one for one in locked if "logging/__init__.py" in (one.function or "")]
    # A busy host separates the samples of states from the few dumps of functions.
    assert sum(one.samples for one in named) > 0.5 * sum(one.samples for one in locked)
    for one in named:
        waits[one.lock].add(one.tid)
    assert None not in waits
    if spec == "3.14":  # whose handlers' locks tell it
        assert {one.tid for one in seen.holders if one.lock in waits} <= logging
        assert seen.holders
    assert max(map(len, waits.values())) > 1  # one of the three may hold it nearly always, and sleep
    for name in ("computes0", "computes1"):  # they wait for the GIL only
        assert kinds(seen, tids[name]).total() < 0.2 * seen.looks[tids[name]]
    for name, kind in (
        ("gets", "queue"),
        ("receives", "socket"),
        ("receives_in_time", "socket"),
        ("sleeps", "sleep"),
        ("waits", "event"),
        ("child", "child process"),
    ):
        one = mostly(seen, tids[f"{name}0"])
        assert one.kind == kind
        assert (one.function or "").startswith(f"{name} (")
        assert one.samples > 0.4 * seen.looks[tids[f"{name}0"]]


def test_a_thousand_idle_threads_stay_cheap() -> None:
    seen, _, cost = sampled(interpreter("3.13").executable, IDLE, dumps=1)
    assert cost < 1.5  # s; a dump takes 0.3 s
    idle = [one for one in seen.blocked if one.kind == "event"]
    assert idle
    assert all((one.function or "").startswith("idles (") for one in idle)


def test_the_profile_names_the_lock_of_the_program_for_which_threads_wait(tmp_path: Path) -> None:
    """Threads that log queue for the lock of a handler, which formats slowly; it was taken for the GIL.

    https://github.com/rhinstaller/anaconda/pull/599
    """
    # 7 s: a host whose idle CPUs wake up slowly makes samples costly, and there are only two a second.
    program = """
import logging, os, threading, time
class Slow:
    def __str__(self): time.sleep(0.1); return "slow"
logging.basicConfig(stream=open(os.devnull, "w"), level=logging.INFO)
def log():
    for _ in range(24): logging.info("%s", Slow())
crew = [threading.Thread(target=log, name="log-%d" % number) for number in range(3)]
for thread in crew: thread.start()
for thread in crew: thread.join()
"""
    source, saved = tmp_path / "program.py", tmp_path / "profile.json"
    source.write_text(program, "utf-8")
    command = (interpreter("3.13").executable, str(source))
    done = gilbench("profile", "--observe", "blocked", "-o", str(saved), "--", *command)
    assert done.returncode == 0, done.stderr
    assert "Blocked (% of wall time, sampled)" in done.stderr
    profile = json.loads(saved.read_text("utf-8"))
    finding = next(one for one in profile["findings"] if one["kind"] == "program_lock")
    assert "log-" in finding["text"]
    assert "Handler.handle (logging/__init__.py" in finding["text"]
    assert "not the GIL" in finding["text"]


def test_without_root_the_threads_of_an_own_program_are_read() -> None:
    program = "import threading, time; threading.Thread(target=time.sleep, args=(1.5,)).start()"
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "profile.json"
        options = ("--observe", "blocked", "-o", str(saved), "--", str(SYSTEM_PYTHON), "-c", program)
        done = without_root(Path(folder), "profile", *options)
        assert done.returncode == 0, done.stderr
        profile = json.loads(saved.read_text("utf-8"))
    rests = next(thread["tid"] for thread in profile["threads"] if thread["tid"] != profile["process"]["pid"])
    assert {one["kind"] for one in profile["blocked"] if one["tid"] == rests} == {"sleep"}
