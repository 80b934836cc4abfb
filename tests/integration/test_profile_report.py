"""``gilbench profile`` on real programs: what is predicted, verified, written as a trace, and shown live."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from commands import GILBENCH, error_lines, gilbench
from html_pages import HtmlPage
from interpreters_fixture import absent, interpreter

from gilbench.observe.bpftrace_access import why_not

PROGRAMS = Path(__file__).parent / "programs" / "whatif"
# Four threads that let go of the GIL and take it without pause.
STORM = """
import threading, time
end = time.monotonic() + 2
def storm():
    while time.monotonic() < end: time.sleep(0)
crew = [threading.Thread(target=storm) for _ in range(4)]
for thread in crew: thread.start()
for thread in crew: thread.join()
"""
# Two threads that compute in turn: each wakes the other and then waits for it.
TURNS = """
import threading
mine, other = threading.Semaphore(1), threading.Semaphore(0)
def work(own, next):
    for _ in range(150):
        own.acquire()
        sum(range(40000))
        next.release()
crew = [threading.Thread(target=work, args=pair) for pair in ((mine, other), (other, mine))]
for thread in crew: thread.start()
for thread in crew: thread.join()
"""


def program(name: str, python: str = "3.13") -> tuple[str, str]:
    return interpreter(python).executable, str(PROGRAMS / f"{name}.py")


def exact() -> None:
    """Skip where no exact probe can be placed."""
    reason = why_not()
    if reason is not None:
        absent(reason)


def profiled(*arguments: str) -> dict[str, Any]:
    done = gilbench("profile", "--format", "json", *arguments)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_two_threads_that_count_could_be_twice_as_fast() -> None:
    exact()
    document = profiled("--", *program("count_two"))
    assert document["probe"]["strength"] == "exact"
    assert 1.6 < document["what_if"]["bound"] < 2.5
    assert document["what_if"]["one_thread_cost"] is None
    assert any("waiting" in finding["text"] for finding in document["findings"])


def test_a_replay_shows_the_speedup_on_more_cpus_than_there_are() -> None:
    exact()
    counting = profiled("--replay", "--observe", "gil", "--", *program("objects_four"))
    curve = {point["cores"]: point["speedup"] for point in counting["what_if"]["curve"]}
    assert {2, 4, 8, 16, 64} <= curve.keys()
    assert 1.0 < curve[2] < 2.2
    assert curve[2] < curve[4] < 4.3
    assert curve[64] == pytest.approx(curve[8], rel=0.01)
    assert any("Replayed without the GIL" in finding["text"] for finding in counting["findings"])


def test_the_lanes_of_a_recorded_program_hold_the_gil_as_long_as_its_threads() -> None:
    exact()
    document = profiled("--replay", "--observe", "gil", "--", *program("objects_four"))
    held = {thread["tid"]: thread["gil_held"] for thread in document["threads"]}
    for lane in document["lanes"]["threads"]:
        assert sum(lane["held"]) / len(lane["held"]) == pytest.approx(held[lane["tid"]], abs=0.02)
        states = zip(*(lane[state] for state in ("held", "wait", "off", "blocked")), strict=True)
        assert max(map(sum, states)) < 1.01


def test_threads_that_wake_each_other_in_turn_gain_nothing_in_a_replay(tmp_path: Path) -> None:
    exact()
    script = tmp_path / "turns.py"
    script.write_text(TURNS, "utf-8")
    document = profiled("--replay", "--observe", "gil", "--", interpreter("3.13").executable, str(script))
    # Independent threads would gain twice; what a handover costs on this host is the rest, also while others use it.
    assert max(point["speedup"] for point in document["what_if"]["curve"]) < 1.8
    path = tmp_path / "turns.perfetto-trace"
    traced = profiled("-o", str(path), "--observe", "gil", "--", *program("sleepers"))
    fastest = max(point["speedup"] for point in traced["what_if"]["curve"])
    assert traced["duration"] / fastest >= 35 * 0.02, "sleep is not shortened"


def test_the_page_of_a_recorded_program_has_its_events_and_its_source_code(tmp_path: Path) -> None:
    exact()
    path = tmp_path / "page.html"
    done = gilbench("profile", "--replay", "-o", str(path), "--", *program("objects_four"))
    assert done.returncode == 0, done.stderr
    page = HtmlPage(path.read_text("utf-8"))
    values = {
        figure.attributes["id"]: json.loads("".join(script.text))
        for figure in page.all("figure")
        for script in page.within(figure, "script")
    }
    lanes, flame = values["g-lanes"], values["g-flame"]
    assert len(lanes["names"]) == len(lanes["stays"]) >= 4
    assert sum(len(stays) for stays in lanes["stays"]) > 400
    assert {"g-flame", "g-flame-waits"} <= values.keys()
    assert any("sorted(words, key=words.get)" in line for line in flame["sources"].values())


def test_verify_puts_measured_beside_predicted() -> None:
    exact()
    interpreter("3.13t")
    answer = profiled("--verify", "3.13t", "--", *program("hash_two"))["what_if"]
    assert answer["measured_on"] == "3.13t"
    assert answer["measured_lo"] <= answer["measured"] <= answer["measured_hi"]
    assert answer["one_thread_cost"] is not None
    assert answer["measured_lo"] <= answer["bound"]


def test_a_program_that_fails_on_the_other_interpreter_is_said_to(tmp_path: Path) -> None:
    exact()
    interpreter("3.13t")
    file = tmp_path / "app.py"
    file.write_text(
        "import sys\nif not getattr(sys, '_is_gil_enabled', lambda: True)(): sys.exit('no GIL')\n"
    )
    document = profiled("--verify", "3.13t", "--", interpreter("3.13").executable, str(file))
    assert any("--verify: on 3.13t" in line and "no GIL" in line for line in document["unavailable"])


def test_verify_wants_a_free_threaded_interpreter_and_a_command() -> None:
    lines = error_lines(gilbench("profile", "--verify", "3.13", "--", *program("hash_two")))
    assert "free-threaded" in lines[0]
    assert "--verify" in error_lines(gilbench("profile", "--verify", "3.13t", "--pid", str(os.getpid())))[0]


def trace_sums(path: Path) -> dict[tuple[int, str], float]:
    """Seconds in each state, by tid, read with the classes of the perfetto package."""
    classes = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")
    trace = classes.Trace()
    trace.ParseFromString(path.read_bytes())
    tids, begun = {}, {}
    seconds: defaultdict[tuple[int, str], float] = defaultdict(float)
    for packet in trace.packet:
        described, event = packet.track_descriptor, packet.track_event
        if described.HasField("thread"):
            tids[described.uuid] = described.thread.tid
        if event.type == classes.TrackEvent.TYPE_SLICE_BEGIN:
            begun[event.track_uuid] = event.name, packet.timestamp
        elif event.type == classes.TrackEvent.TYPE_SLICE_END:
            state, since = begun.pop(event.track_uuid)
            seconds[tids[event.track_uuid], state] += (packet.timestamp - since) / 1e9
    return seconds


def test_the_sums_of_a_trace_agree_with_the_summary(tmp_path: Path) -> None:
    exact()
    path = tmp_path / "trace.perfetto-trace"
    document = profiled("-o", str(path), "--", *program("half_serial"))
    sums = trace_sums(path)
    for thread in document["threads"]:
        for state, field in (("held", "gil_held"), ("wait", "gil_wait")):
            there = sums[thread["tid"], state]
            assert there == pytest.approx(
                thread[field] * document["duration"], abs=0.01 * document["duration"]
            )


def test_a_storm_of_hand_overs_is_told_whole_or_what_is_missing_is_counted(tmp_path: Path) -> None:
    exact()
    path, script = tmp_path / "trace.perfetto-trace", tmp_path / "storm.py"
    script.write_text(STORM, "utf-8")
    document = profiled("-o", str(path), "--", interpreter("3.11").executable, str(script))
    crew = [thread for thread in document["threads"] if thread["tid"] != document["process"]["pid"]]
    assert len(crew) == 4
    assert document["duration"] == pytest.approx(2.0, abs=0.5), (
        "the ends of threads are not lost, whatever else is"
    )
    assert sum(thread["switches"] for thread in crew) > 4000
    if document["probe"]["lost"]:
        assert b"events lost" in path.read_bytes()
        return
    sums = trace_sums(path)
    for thread in crew:
        for state, field in (("held", "gil_held"), ("wait", "gil_wait"), ("off", "off_gil")):
            there = sums[thread["tid"], state] / document["duration"]
            assert there == pytest.approx(thread[field], abs=0.01)
    assert set(tmp_path.iterdir()) == {path, script}


def test_the_exit_code_is_the_programs_when_nobody_reads_the_report() -> None:
    exact()
    reader, writer = os.pipe()
    os.close(reader)
    program = "import time, sys; time.sleep(0.3); sys.exit(7)"
    done = subprocess.run(
        [GILBENCH, "profile", "--", interpreter("3.11").executable, "-c", program],
        stdin=subprocess.DEVNULL,
        stderr=writer,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 7


def test_live_redraws_a_table_and_ends_with_the_report() -> None:
    exact()
    target = subprocess.Popen(
        [interpreter("3.13").executable, "-c", "import threading\nwhile True: pass"], stdin=subprocess.DEVNULL
    )
    terminal, side = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80", "LINES": "24", "TERM": "xterm-256color"}
    command = [GILBENCH, "profile", "--pid", str(target.pid), "--live"]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=side, stderr=side, env=environment, start_new_session=True
    )
    os.close(side)
    shown, deadline, interrupted = b"", time.monotonic() + 60, False
    try:
        while time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    shown += os.read(terminal, 65536)
                except OSError:  # the other side has gone
                    break
            if not interrupted and shown.count(b"MainThread") >= 2:
                process.send_signal(signal.SIGINT)
                interrupted = True
        assert process.wait(20) in {0, 130}
        assert target.poll() is None, "the program that was looked at goes on"
    finally:
        process.kill()
        target.kill()
        target.wait()
        os.close(terminal)
    before, _, after = shown.partition(b"\x1b[?1049l")
    assert b"\x1b[?1049h" in before
    assert b"No keys: there is no terminal to read them from" in before
    assert b"Findings" in after
