"""Programs with very many threads: what is shown of them, and what observing them costs.

The first program is rebuilt from servers with a thread for each request
(https://github.com/python/cpython/issues/81374), the second from an application with a thousand utility threads
(https://github.com/benfred/py-spy/issues/746).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import gilbench
from interpreters_fixture import absent, interpreter

from gilbench.observe.bpftrace_access import why_not

REQUESTS = """
import json, sys, threading, time
done, lock = [0, 0.0], threading.Lock()
def serve(number):
    x = 0
    for i in range(9000): x ^= i * i
    with lock:
        done[0] += 1
        done[1] += time.thread_time()
start, number = time.perf_counter(), 0
while time.perf_counter() - start < float(sys.argv[1]):
    pair = [threading.Thread(target=serve, args=(k,), name="request-%d" % (number + k)) for k in range(2)]
    for t in pair: t.start()
    for t in pair: t.join()
    number += 2
wall = time.perf_counter() - start
print(json.dumps({"threads": number, "share": done[1] / wall, "wall": wall}))
"""
IDLE = """
import threading, time
threading.stack_size(128 * 1024)
stop = threading.Event()
def feeder():
    while not stop.is_set(): time.sleep(1.0)
def hot():
    x = 0
    while not stop.is_set():
        for i in range(1000): x ^= i * i
for i in range(COUNT): threading.Thread(target=feeder, name="feeder-%d" % i, daemon=True).start()
pair = [threading.Thread(target=hot, name="hot-%d" % i, daemon=True) for i in (1, 2)]
for t in pair: t.start()
print("ready", flush=True)
time.sleep(SECONDS)
stop.set()
for t in pair: t.join()
"""


@pytest.fixture(autouse=True)
def exact() -> None:
    reason = why_not()
    if reason is not None:
        absent(reason)


def profiled(*arguments: str) -> tuple[dict[str, Any], str]:
    done = gilbench("profile", "--format", "json", *arguments)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout[done.stdout.index('{\n  "kind"') :])
    return document, done.stdout


def test_a_thread_for_each_request_is_one_group_and_none_is_missing(tmp_path: Path) -> None:
    script, path = tmp_path / "requests.py", tmp_path / "profile.json"
    script.write_text(REQUESTS, "utf-8")
    done = gilbench("profile", "-o", str(path), "--", interpreter("3.11").executable, str(script), "2.0")
    document, truth = json.loads(path.read_text("utf-8")), json.loads(done.stdout)
    others = [thread for thread in document["threads"] if thread["tid"] != document["process"]["pid"]]
    if not document["probe"]["lost"]:
        assert sum(thread["count"] for thread in others) == truth["threads"]
        held = sum(thread["gil_held"] for thread in others) * document["duration"]
        # A thread that loses the CPU keeps the GIL, so on a busy host they held it longer than they ran.
        assert held > truth["share"] * truth["wall"] - 0.1 * document["duration"]
    lines = [line for line in done.stderr.splitlines() if not line.startswith("saved ")]
    assert max(map(len, lines)) <= 80
    assert len(lines) < truth["threads"] / 10
    assert "request-*" in done.stderr


def test_two_hot_threads_among_a_thousand_idle_ones_are_on_top(tmp_path: Path) -> None:
    script, path = tmp_path / "idle.py", tmp_path / "profile.json"
    script.write_text(IDLE.replace("COUNT", "1000").replace("SECONDS", "2.0"), "utf-8")
    done = gilbench("profile", "-o", str(path), "--", interpreter("3.11").executable, str(script))
    table = done.stderr[done.stderr.index("Threads (%") :].splitlines()[4:8]
    assert {"hot-1", "hot-2"} <= {line.split()[0] for line in table}
    assert "feeder-*" in done.stderr
    document = json.loads(path.read_text("utf-8"))
    waits = [bucket for thread in document["threads"] for bucket in thread["waits"]]
    assert all(0 <= bucket["lo"] < bucket["hi"] for bucket in waits)


def test_an_attached_profile_of_many_threads_takes_its_duration(tmp_path: Path) -> None:
    script = tmp_path / "idle.py"
    script.write_text(IDLE.replace("COUNT", "2000").replace("SECONDS", "120"), "utf-8")
    with subprocess.Popen(
        [interpreter("3.11").executable, str(script)], stdout=subprocess.PIPE, text=True
    ) as program:
        try:
            assert program.stdout is not None
            assert program.stdout.readline() == "ready\n"
            document, _ = profiled("--max-cost", "none", "--pid", str(program.pid), "--duration", "3")
        finally:
            program.kill()
    assert document["probe"]["strength"] == "exact", "its script is not compiled for each thread"
    assert document["duration"] < 15, "3 s on a host with time to spare"
    assert sum(thread["count"] for thread in document["threads"]) == 2003


def test_memory_does_not_grow_with_threads_that_have_ended(tmp_path: Path) -> None:
    """Twice as many short threads, and about the same peak memory of gilbench."""
    script = tmp_path / "requests.py"
    script.write_text(REQUESTS, "utf-8")
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL, "
        "stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    peaks = []
    for seconds in ("2", "8"):
        command = [
            sys.executable,
            "-c",
            code,
            sys.executable,
            "-m",
            "gilbench",
            "profile",
            "--observe",
            "gil",
        ]
        command += ["--", interpreter("3.11").executable, str(script), seconds]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        peaks.append(int(done.stdout))
    assert peaks[1] < peaks[0] + 60_000, "KiB"
