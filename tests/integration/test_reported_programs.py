"""Programs rebuilt from public reports. Each knows what it did, or what it did follows from how it is made."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from commands import gilbench
from interpreters_fixture import interpreter
from watched import need_bpftrace

HELPERS = """
import ctypes, json, logging, os, sys, threading, time
blocking = ctypes.PyDLL(None)  # calls of its functions hold the GIL
def busy(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end: sum(range(500))
def crew(*threads):
    for thread in threads: thread.start()
    for thread in threads: thread.join()
def named(name, work, *arguments):
    return threading.Thread(target=work, name=name, args=arguments)
"""


@pytest.fixture(autouse=True)
def exact() -> None:
    need_bpftrace()


def profiled(tmp_path: Path, program: str, *options: str, spec: str = "3.11") -> dict[str, Any]:
    """The profile of a program, with its threads by their names under ``by_name``."""
    source, saved = tmp_path / "program.py", tmp_path / "profile.json"
    source.write_text(HELPERS + program, "utf-8")
    done = gilbench(
        "profile",
        "--max-cost",
        "none",
        *options,
        "-o",
        str(saved),
        "--",
        interpreter(spec).executable,
        str(source),
    )
    assert done.returncode == 0, done.stderr
    profile: dict[str, Any] = json.loads(saved.read_text("utf-8"))
    profile["by_name"] = {thread["name"]: thread for thread in profile["threads"]}
    return profile


def test_a_system_call_that_keeps_the_gil(tmp_path: Path) -> None:
    """A blocking call without Py_BEGIN_ALLOW_THREADS freezes all threads for as long as it takes.

    https://github.com/giampaolo/psutil/issues/177, https://github.com/giampaolo/psutil/pull/2939
    """
    program = """
def asks():
    for _ in range(5): blocking.usleep(200_000); time.sleep(0.05)
crew(named("asks", asks), named("works", busy, 1.2))
"""
    threads = profiled(tmp_path, program, "--observe", "gil")["by_name"]
    assert 0.2 <= threads["asks"]["longest_hold"] < 0.5
    assert 0.18 < threads["works"]["longest_wait"] < 0.5
    assert threads["asks"]["cpu"] < 0.1  # it holds the GIL and sleeps


def test_a_switch_interval_set_in_the_wrong_unit(tmp_path: Path) -> None:
    """sys.setswitchinterval took the value of sys.setcheckinterval: 100 s instead of 100 instructions.

    https://github.com/tqdm/tqdm/issues/376
    """
    program = """
sys.setswitchinterval(100)
crew(named("greedy", busy, 0.8), named("late", busy, 0.1))
"""
    threads = profiled(tmp_path, program, "--observe", "gil")["by_name"]
    assert threads["greedy"]["longest_hold"] > 0.75
    assert threads["MainThread"]["longest_wait"] > 0.7  # before it can start the other one


def test_two_threads_that_hand_packets_to_each_other(tmp_path: Path) -> None:
    """Each packet costs two waits for the GIL; one stage was taken for slow although its wait was for the other.

    https://github.com/donislawdev/BeanNetworkTester/pull/74
    """
    program = """
inner, outer = os.pipe(), os.pipe()
def capture():
    for _ in range(24000):
        sum(range(2000)); os.write(inner[1], b"."); os.read(outer[0], 1)
def inject():
    for _ in range(24000): os.read(inner[0], 1); os.write(outer[1], b".")
crew(named("capture", capture), named("inject", inject))
"""
    threads = profiled(tmp_path, program, "--observe", "gil")["by_name"]
    assert threads["capture"]["gil_held"] > 3 * threads["inject"]["gil_held"]
    assert threads["inject"]["switches"] >= 16000  # once for each read and each write
    assert threads["inject"]["blocked"] > 0.3  # it waits for packets, not for the GIL


def test_a_lock_of_the_program_is_not_taken_for_the_gil(tmp_path: Path) -> None:
    """A logging handler holds its lock while it formats the record; threads that log wait for that lock.

    https://github.com/rhinstaller/anaconda/pull/599
    """
    program = """
class Slow:
    def __str__(self): time.sleep(0.1); return "slow"
logging.basicConfig(stream=open(os.devnull, "w"), level=logging.INFO)
def log():
    for _ in range(4): logging.info("%s", Slow())
crew(*(named("log-%d" % number, log) for number in range(3)))
"""
    threads = profiled(tmp_path, program, "--observe", "gil")["by_name"]
    for number in range(3):
        assert threads[f"log-{number}"]["gil_wait"] < 0.05
        assert threads[f"log-{number}"]["blocked"] > 0.85 * threads[f"log-{number}"]["alive"]


def test_the_io_thread_of_a_convoy(tmp_path: Path) -> None:
    """A thread that does many short reads waits a switch interval after each, beside a thread that computes.

    https://bugs.python.org/issue7946
    """
    program = """
def reads():
    null = os.open("/dev/zero", os.O_RDONLY)
    end = time.perf_counter() + 1.5
    count = 0
    while time.perf_counter() < end: os.read(null, 1); count += 1
crew(named("computes", busy, 1.5), named("reads", reads))
"""
    threads = profiled(tmp_path, program, "--observe", "gil")["by_name"]
    assert threads["reads"]["gil_wait"] > 0.4 * threads["reads"]["alive"]
    assert threads["reads"]["gil_held"] < 0.5 * threads["computes"]["gil_held"]


def test_contention_that_a_metric_told_as_7_to_162_percent(tmp_path: Path) -> None:
    """Two threads compute all the time: the GIL is always wanted, and one of the two always waits.

    https://github.com/dask/distributed/issues/8557
    """
    program = 'crew(named("one", busy, 1.5), named("two", busy, 1.5))'
    threads = profiled(tmp_path, program, "--observe", "gil")["by_name"]
    held = threads["one"]["gil_held"] + threads["two"]["gil_held"]
    wait = threads["one"]["gil_wait"] + threads["two"]["gil_wait"]
    alive = max(threads["one"]["alive"], threads["two"]["alive"])
    assert 0.8 < held / alive < 1.01  # nobody holds it while a thread that was woken has no CPU
    assert 0.7 < wait / alive < 1.2


def test_a_full_collection_over_a_large_heap_is_named(tmp_path: Path) -> None:
    """Servers stalled for 100 to 300 ms in a thread that only allocated: a full garbage collection.

    https://github.com/sgl-project/sglang/pull/9241
    """
    program = """
import gc
gc.disable()  # only the collections below
heap = [[number] for number in range(600_000)]
pauses = []
def told(phase, info):
    if info["generation"] == 2:
        if phase == "start": told.start = time.perf_counter()
        else: pauses.append(time.perf_counter() - told.start)
gc.callbacks.append(told)
def innocent():
    for _ in range(3): gc.collect(); time.sleep(0.1)
def ticks():
    for _ in range(60): time.sleep(0.005)
crew(named("innocent", innocent), named("ticks", ticks))
print(max(pauses), flush=True)
os._exit(0)  # the interpreter collects at its end, too
"""
    profile = profiled(tmp_path, program)
    seen = profile["by_name"]["innocent"]["collections"]
    assert seen["count"] >= 3
    assert seen["longest"] <= profile["by_name"]["innocent"]["longest_hold"] * 1.01
    finding = next(one for one in profile["findings"] if one["kind"] == "garbage_collection")
    assert "innocent" in finding["text"]


def test_a_regular_expression_that_backtracks(tmp_path: Path) -> None:
    """A single match runs for a second without a chance for other threads.

    https://github.com/python/cpython/issues/67878
    """
    program = """
import re
def matches():
    for length in range(14, 40):
        start = time.perf_counter()
        re.match("(a|aa)+$", "a" * length + "b")
        if time.perf_counter() - start > 0.3: return
crew(named("matches", matches), named("ticks", lambda: [time.sleep(0.01) for _ in range(20)]))
"""
    threads = profiled(tmp_path, program, "--observe", "gil")["by_name"]
    assert threads["matches"]["longest_hold"] > 0.25


def test_a_process_pool_of_threads_that_hash_scales_already(tmp_path: Path) -> None:
    """Code that releases the GIL gains nothing without it: the bound says so.

    https://github.com/pandas-dev/pandas/pull/11272
    """
    program = """
import hashlib
block = b"x" * (4 << 20)
def digest():
    end = time.perf_counter() + 1.2
    while time.perf_counter() < end: hashlib.sha256(block).digest()
crew(named("one", digest), named("two", digest))
"""
    profile = profiled(tmp_path, program, "--observe", "gil")
    assert all(profile["by_name"][name]["gil_wait"] < 0.05 for name in ("one", "two"))
    assert profile["what_if"]["bound"] < 1.2


def test_threading_local_of_a_free_threaded_build_waits_for_no_lock(tmp_path: Path) -> None:
    """Threads slow each other down by reference counts; no lock is waited for, and none may be named.

    https://github.com/python/cpython/issues/128691
    """
    program = """
store = threading.local()
def touches():
    store.value = 0
    for _ in range(400_000): store.value
crew(named("one", touches), named("two", touches))
"""
    profile = profiled(tmp_path, program, "--observe", "gil", spec="3.13t")
    parks = sum(
        one["count"]
        for thread in profile["threads"]
        for one in thread["parked"]
        if one["kind"] not in {"event", "thread lock", "spinning for a lock"}
    )
    assert parks < 800  # of 800 000 accesses; a thread without a CPU may keep another one waiting


def test_threads_that_only_ask_one_lock_gain_less_than_predicted_and_wait_for_none(tmp_path: Path) -> None:
    """Two threads ask one lock whether it is locked: its reference count slows both down on a free-threaded build.

    https://github.com/python/cpython/issues/134761
    """
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("two threads share one CPU here")
    program = """
lock = threading.Lock()
def asks():
    for _ in range(9_000_000): lock.locked()
crew(named("one", asks), named("two", asks))
"""
    profile = profiled(tmp_path, program, "--observe", "gil", "--verify", "3.13t", spec="3.13")
    answer = profile["what_if"]
    assert answer["measured"] < answer["predicted"]
    kinds = [one["kind"] for one in profile["findings"]]
    assert "measured" in kinds
    if answer["measured_hi"] < 0.9 * answer["predicted"]:  # certain, unless the host is busy
        assert kinds[0] == "measured"
        assert "cause" in kinds

    threads = profiled(tmp_path, program, "--observe", "gil", spec="3.13t")
    parked = [one for name in ("one", "two") for one in threads["by_name"][name]["parked"]]
    assert not any("lock" in one["kind"] and one["seconds"] > 0.1 * threads["duration"] for one in parked)
    assert not any("contended" in one["text"] for one in threads["findings"])
