"""What the threads of real interpreters sleep on, and in which functions."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from commands import SYSTEM_PYTHON, gilbench, without_root
from interpreters_fixture import interpreter
from watched import let_go, started

from gilbench.model.profile import LOCK, Blocked
from gilbench.observe.blocked import BlockedSampler, BlockedSamples
from gilbench.observe.running import find_python

SPECS = ("2.7", "3.11", "3.13", "3.14")
SECONDS = 2.0

# Each thread does one thing from when all have begun; ``said`` has their kernel's numbers. It runs on 2.7, too.
PROGRAM = """
import ctypes, logging, os, socket, subprocess, threading, time
try: import queue
except ImportError: import Queue as queue
class Slow:
    def __str__(self): time.sleep(0.05); return "slow"
logging.basicConfig(stream=open(os.devnull, "w"), level=logging.INFO)
def logs():
    while not over.is_set(): logging.info("%s", Slow())
def computes():
    while not over.is_set(): sum(range(500))
tasks, (ours, theirs), over = queue.Queue(), socket.socketpair(), threading.Event()
patient, silent = socket.socketpair()
patient.settimeout(SECONDS)
def gets(): tasks.get()
def receives(): ours.recv(1)
def receives_in_time():
    try: patient.recv(1)
    except socket.timeout: pass
def sleeps(): time.sleep(SECONDS)
def waits(): over.wait()
def child(): subprocess.Popen(["sleep", str(SECONDS)]).wait()
gettid = ctypes.CDLL(None).syscall
tids = {}
begin = threading.Event()
def known(work):
    tids[threading.current_thread().name] = gettid(186)
    begin.wait()
    work()
crew = [threading.Thread(target=known, args=(work,), name=work.__name__ + str(number))
    for work, number in [(logs, 0), (logs, 1), (logs, 2), (computes, 0), (computes, 1), (gets, 0), (receives, 0),
        (receives_in_time, 0), (sleeps, 0), (waits, 0), (child, 0)]]
for thread in crew: thread.start()
while len(tids) < len(crew): time.sleep(0.01)
begin.set()
time.sleep(SECONDS)
tasks.put(1); theirs.send(b"1"); over.set()
for thread in crew: thread.join()
said = tids
"""


def sampled(executable: str, program: str) -> tuple[BlockedSamples, dict[str, int]]:
    """What was seen of a program, and the numbers of its threads by name."""
    with started(executable, program) as child:
        sampler = BlockedSampler(find_python(child.pid))
        try:
            tids = let_go(child)
        finally:
            seen = sampler.finish()
    assert seen.unavailable is None
    return seen, tids


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
    seen, tids = sampled(interpreter(spec).executable, f"SECONDS = {SECONDS}\n{PROGRAM}")
    logging = {tids[name] for name in ("logs0", "logs1", "logs2")}
    waits = [one for one in seen.blocked if one.tid in logging and one.kind == LOCK]
    assert len({one.tid for one in waits}) > 1  # one of them may hold it nearly always, and sleep
    assert len({one.lock for one in waits}) == 1
    assert waits[0].lock
    assert all("logging/__init__.py" in (one.function or "") for one in waits)
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
    program = """
import threading, time
gate = threading.Event()
crew = [threading.Thread(target=gate.wait) for _ in range(1000)]
for thread in crew: thread.start()
time.sleep(4.0)
gate.set()
for thread in crew: thread.join()
said = {}
"""
    with started(interpreter("3.13").executable, program) as child:
        begun = sum(os.times()[:4])
        sampler = BlockedSampler(find_python(child.pid))
        try:
            let_go(child)
        finally:
            seen = sampler.finish()
    # Most of it is the first dump; the second one is due when it is 3% of the time.
    assert sum(os.times()[:4]) - begun < 1.0  # of this process and of its children
    assert {one.kind for one in seen.blocked if one.function is not None} >= {"event"}


def test_the_profile_names_the_lock_of_the_program_for_which_threads_wait(tmp_path: Path) -> None:
    """Threads that log queue for the lock of a handler, which formats slowly; it was taken for the GIL.

    https://github.com/rhinstaller/anaconda/pull/599
    """
    program = """
import logging, os, threading, time
class Slow:
    def __str__(self): time.sleep(0.1); return "slow"
logging.basicConfig(stream=open(os.devnull, "w"), level=logging.INFO)
def log():
    for _ in range(8): logging.info("%s", Slow())
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
