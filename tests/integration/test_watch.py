"""``gilbench watch`` beside real programs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from children import LONG, wait_for_end
from interpreters_fixture import interpreter
from watched import need_bpftrace

from gilbench.store.watch_file import read_watch

# Two threads of which one always holds the GIL, and the other one waits.
BUSY = """
import threading, time
def spin():
    while True: pass
for number in range(2): threading.Thread(target=spin, name="spin-%d" % number, daemon=True).start()
print("ready", flush=True)
time.sleep(600)
"""
BUSY_27 = """
import sys, thread, time
def spin():
    while True: pass
for number in range(2): thread.start_new_thread(spin, ())
print("ready")
sys.stdout.flush()
time.sleep(600)
"""
IDLE = "import time; print('ready', flush=True); time.sleep(600)"
# A server that only waits for the two workers that it forks, some time after its start, and replaces.
SERVER = """
import os, sys, time
print("ready", flush=True)
time.sleep(float(sys.argv[2]))
def fork():
    if os.fork() == 0:
        end = time.monotonic() + 600
        while time.monotonic() < end: sum(range(100))
for _ in range(2): fork()
while True:
    os.wait()
    fork()
"""
# A thread of a free-threaded build that stops the world again and again.
PAUSES = """
import gc, threading, time
keep = [[] for _ in range(300_000)]
def collect():
    while True: gc.collect()
threading.Thread(target=collect, daemon=True).start()
print("ready", flush=True)
time.sleep(600)
"""


@contextlib.contextmanager
def program(executable: str, code: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([executable, "-c", code, *words], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            yield child
        finally:
            child.kill()


@contextlib.contextmanager
def watch(*words: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file:
        child = subprocess.Popen(
            [sys.executable, "-m", "gilbench", "watch", "--interval", "1s", *words], stderr=file
        )
    try:
        yield child
    finally:
        child.terminate()
        assert child.wait(LONG) in {0, -signal.SIGKILL}


def without_cpu(pid: int) -> float:
    """Return the s in which the threads of a program were ready and had no CPU."""
    files = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text().split()[1]) for file in files) * 1e-9


def until(condition: Callable[[], Any], seconds: float = 3 * LONG) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return found


def seen(path: Path, least: int) -> Any:
    """Intervals with enough samples, when there are some."""
    return until(
        lambda: path.exists() and [one for one in read_watch(path).intervals if one.samples >= least]
    )


def an_interval(spec: str, code: str, folder: Path) -> Any:
    """The latest interval of a watch of a program, when there are enough samples."""
    path = folder / "watch.jsonl"
    with (
        program(interpreter(spec).executable, code) as child,
        watch("--pid", str(child.pid), "--max-cost", "20%", "--file", str(path), log=folder / "log"),
    ):
        return seen(path, 20)[-1]


@pytest.mark.parametrize("spec", ["3.8", "3.12", "3.13", "3.14"])
def test_held_and_wait_are_those_of_the_program(spec: str, tmp_path: Path) -> None:
    path = tmp_path / "watch.jsonl"
    with (
        program(interpreter(spec).executable, BUSY) as child,
        watch("--pid", str(child.pid), "--max-cost", "20%", "--file", str(path), log=tmp_path / "log"),
    ):
        began, ready = time.monotonic(), without_cpu(child.pid)
        one = seen(path, 20)[-1]
        lost = (without_cpu(child.pid) - ready) / (time.monotonic() - began)
    assert 0.7 < one.gil_held <= 1.0  # always, but for a moment at each switch
    # A thread that loses its CPU as it hands over the GIL is not seen to wait.
    assert 0.6 - lost < one.gil_wait < 1.3  # one of two
    groups = {group.name: group for group in one.groups}
    assert "spin-*" in groups or "unnamed" in groups
    assert (groups.get("spin-*") or groups["unnamed"]).threads == 2
    assert groups["MainThread"].gil_wait < 0.2
    assert one.switches > 0
    assert one.longest_hold < LONG


def test_who_holds_the_gil_of_27_is_unknown_and_not_nobody(tmp_path: Path) -> None:
    one = an_interval("2.7", BUSY_27, tmp_path)
    assert one.gil_held is None
    assert one.longest_hold is None
    assert one.gil_wait is not None
    assert {group.gil_held for group in one.groups} == {None}


def test_of_a_free_threaded_build_it_tells_pauses_and_no_gil(tmp_path: Path) -> None:
    one = an_interval("3.13t", PAUSES, tmp_path)
    assert one.gil_held is None
    assert one.gil_wait is None
    assert one.paused > 0.2
    assert one.parked < 0.5


def test_it_finds_the_program_again_after_its_restart(tmp_path: Path) -> None:
    path, mark = tmp_path / "watch.jsonl", f"mark-{os.getpid()}"
    with watch("--match", mark, "--file", str(path), log=tmp_path / "log"):
        pids = []
        for _ in range(2):
            with program(sys.executable, IDLE, mark) as child:
                until(
                    lambda pid=child.pid: (
                        path.exists()
                        and any(  # type: ignore[misc]
                            one.pid == pid for one in read_watch(path).intervals
                        )
                    )
                )
                pids.append(child.pid)
            until(lambda: sum(one.event == "ended" for one in read_watch(path).events) == len(pids))
    log = read_watch(path)
    assert list(dict.fromkeys(one.pid for one in log.intervals)) == pids
    assert [one.event for one in log.events if one.event != "probe"] == ["started", "ended"] * 2


@pytest.mark.parametrize("after", [0, 8])
def test_of_a_server_that_forks_it_watches_the_oldest_worker(tmp_path: Path, after: int) -> None:
    path, mark = tmp_path / "watch.jsonl", f"mark-{os.getpid()}"
    with program(sys.executable, SERVER, mark, str(after)) as server:
        try:
            if not after:
                until(lambda: len(_children_of(server.pid)) == 2)
            with watch("--match", mark, "--file", str(path), log=tmp_path / "log"):
                until(lambda: path.exists() and {*_watched_pids(path)} - {server.pid})
                first = min(_children_of(server.pid))
                os.kill(first, signal.SIGKILL)
                # searches may use 0.2% of the time, so that the next one can be late
                until(lambda: _watched_pids(path)[-1] not in {server.pid, first}, 9 * LONG)
        finally:
            server.send_signal(signal.SIGSTOP)  # it must not replace them
            for worker in _children_of(server.pid):
                os.kill(worker, signal.SIGKILL)
    pids = _watched_pids(path)
    assert pids[-2] == first
    assert pids[:-2] == ([server.pid] if after else [])


def _watched_pids(path: Path) -> list[int | None]:
    """The processes that were watched, each once."""
    return list(dict.fromkeys(one.pid for one in read_watch(path).intervals))


def test_a_process_that_only_waits_for_its_workers_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with program(sys.executable, SERVER, "mark", "0") as server, watch("--pid", str(server.pid), log=log):
        said = f"process {server.pid} only waits for its workers; to watch one: --pid "
        until(lambda: said in log.read_text())
        server.send_signal(signal.SIGSTOP)  # it must not replace them
        for worker in _children_of(server.pid):
            os.kill(worker, signal.SIGKILL)
    assert log.read_text().count(said) == 1


def test_prometheus_can_read_it_while_it_watches_and_nothing_stays(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with program(sys.executable, IDLE) as child:
        with watch("--pid", str(child.pid), "--listen", "127.0.0.1:0", log=log) as watching:
            (url,) = until(lambda: re.findall(r"http://\S+", log.read_text()))
            text = until(lambda: _page(url))
            assert "gilbench_program_up 1.0\n" in text
            assert text.endswith("# EOF\n")
            watching.kill()  # by the kernel, for example
            watching.wait()
        assert child.poll() is None
        assert not _children_of(watching.pid)


def _page(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=LONG) as answer:  # noqa: S310 - our own page
            return str(answer.read().decode())
    except OSError:
        return ""


def _children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text("utf-8", "replace").rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def test_an_alert_runs_a_command_writes_a_line_and_takes_a_profile(tmp_path: Path) -> None:
    need_bpftrace()
    told, notes, profiles = tmp_path / "told", tmp_path / "notes.jsonl", tmp_path / "profiles"
    script = tmp_path / "tell"
    script.write_text(f"#!/bin/sh\ncat > {told}.part && mv {told}.part {told}\n")
    script.chmod(0o755)
    with (
        program(sys.executable, BUSY) as child,
        watch(
            *("--pid", str(child.pid), "--max-cost", "20%", "--alert", "gil_wait>30%"),
            *("--on-alert", str(script), "--annotate", str(notes), "--profile-on-alert", str(profiles)),
            log=tmp_path / "log",
        ),
    ):
        alert = json.loads(until(lambda: told.exists() and told.read_text()))
        (profile,) = until(lambda: [one for one in profiles.glob("*.json") if one.stat().st_size])
        until(lambda: "saved" in (tmp_path / "log").read_text())
    assert alert["event"] == "fired"
    assert alert["rule"] == "gil_wait>30%"
    assert alert["value"] > 0.3
    assert alert["interval"]["pid"] == child.pid
    assert json.loads(notes.read_text().splitlines()[0])["event"] == "fired"
    assert json.loads(profile.read_text())["process"]["pid"] == child.pid


def test_a_started_program_keeps_its_output_and_exit_code_and_gets_the_signals() -> None:
    words = (sys.executable, "-m", "gilbench", "watch", "--interval", "1s", "--")
    done = subprocess.run(
        [
            *words,
            sys.executable,
            "-c",
            "print('out', flush=True); import time; time.sleep(1.2); raise SystemExit(7)",
        ],
        capture_output=True,
        text=True,
        timeout=6 * LONG,
        check=False,
    )
    assert (done.returncode, done.stdout) == (7, "out\n")
    assert "watching process" in done.stderr
    with subprocess.Popen(
        [*words, sys.executable, "-c", IDLE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stderr is not None
            assert child.stdout.readline() == "ready\n"
            pid = int(re.findall(r"process (\d+)", child.stderr.readline())[0])
            child.terminate()
            assert child.wait(LONG) == 128 + signal.SIGTERM
        finally:
            child.kill()
    assert wait_for_end(pid)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "pass one of"),
        (("--pid", "1", "--match", "x"), "pass one of"),
        (("--pid", "4194303"), "no process"),
        (("--match", "("), "regular expression"),
        (("--", "/proc/no-such/program"), "cannot start"),
        (("--", ""), "cannot start ''"),
        (("--pid", "1", "--alert", "gil_wait"), "--alert"),
        (("--pid", "1", "--annotate", "x"), "need an alert"),
        (("--pid", "1", "--alert", "gil_wait>1%", "--on-alert", "'"), "--on-alert"),
        (("--pid", "1", "--alert", "gil_wait>1%", "--on-alert", "/proc/no-such"), "not found"),
        (("--pid", "1", "--alert", "gil_wait>1%", "--on-alert", "/proc"), "not found"),
        (("--pid", "1", "--max-cost", "0"), "--max-cost"),
        (("--pid", "1", "--interval", "x"), "--interval"),
        (("--pid", "1", "--file", "/proc/no-such/x"), "cannot write"),
        (("--pid", "1", "--listen", "0.0.0.0:1"), "--public"),
        (("--pid", "1", "--otlp", "localhost"), "--otlp"),
    ],
)
def test_wrong_use_is_one_line(words: tuple[str, ...], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gilbench", "watch", *words],
        capture_output=True,
        text=True,
        timeout=6 * LONG,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 6


def test_the_process_that_watches_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from gilbench.cli import run\n"
        f"run(['watch', '--interval', '1s', '--listen', '127.0.0.1:0', '--file', {str(tmp_path / 'w.jsonl')!r}, '--',"
        f" {sys.executable!r}, '-c', 'import time; time.sleep(1.5)'])\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=6 * LONG, check=True
    )
    heavy = {"numpy", "scipy", "rich", "altair", "jinja2", "pyperf", "sqlalchemy", "opentelemetry", "google"}
    assert not heavy & {*eval(done.stdout)}  # noqa: S307 - a list of names that we printed
    assert (tmp_path / "w.jsonl").stat().st_size > 500
