"""The serving workloads on real interpreters: they work, leave nothing behind, and their figures are right."""

from __future__ import annotations

import functools
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from interpreters_fixture import interpreter

from gilbench.host.placement import Layout, place
from gilbench.model.errors import RunFailure
from gilbench.model.study import Case, Interpreter, Slice, Value, Workload
from gilbench.plan.axes import lacks
from gilbench.plan.catalogue import catalogue
from gilbench.run.peer import Peer
from gilbench.run.worker import Worker

FAMILIES = ("io", "mixed", "signals", "alternatives")
NAMES = [workload.name for workload in catalogue().values() if workload.family in FAMILIES]
CPUS = tuple(sorted(os.sched_getaffinity(0)))
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors and signals of Linux")


@functools.cache
def workloads() -> dict[str, Workload]:
    return dict(catalogue())


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


def serve(
    peer: Peer,
    name: str,
    on: Interpreter,
    *,
    threads: int = 1,
    seconds: float = 0.02,
    scheduled: float = 0.12,
    slices: int = 1,
    **parameters: Value,
) -> list[Slice]:
    workload = workloads()[name]
    case = Case(
        workload=name,
        interpreter=on.name,
        threads=threads if workload.threads is None or threads == 0 else workload.threads[0],
        parameters=tuple(sorted(parameters.items())),
    )
    worker = Worker(case, on, workloads(), peer)
    try:
        worker.prepare()
        worker.calibrate()
        return [
            worker.measure(turn, place(case, workload.driver, Layout(CPUS), turn), seconds, scheduled, turn)
            for turn in range(slices)
        ]
    finally:
        worker.close()


def latencies(slices: list[Slice]) -> list[float]:
    return sorted(value for slice_ in slices for value in slice_.latencies)


# --- it works -------------------------------------------------------------------------------------------

# What an interpreter cannot do, and says so.
LACKS = {
    "2.7": {"countdown_tasklets", "json_tasklets"},
    "3.13t": {"countdown_tasklets", "json_tasklets"},
    "pypy3": set[str](),
    "jython": {
        "unix_echo", "ctrl_c", "itimer", "wakeup_fd", "countdown_processes", "json_processes", "countdown_tasklets",
        "json_tasklets",
    },
}  # fmt: skip

# What is not even tried on an interpreter, because its Python is too old.
SUBINTERPRETERS = {"countdown_subinterpreters", "json_subinterpreters"}
TOO_OLD = {
    "2.7": {"asyncio_echo", "asyncio_cpu", "countdown_asyncio", "json_asyncio", *SUBINTERPRETERS},
    "3.13t": set[str](),
    "pypy3": SUBINTERPRETERS,
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spec", ["2.7", "3.13t", "pypy3"])
def test_each_runs_wherever_its_needs_are_met_and_says_so_where_not(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, spec: str, name: str
) -> None:
    on, workload = interpreter(spec), workloads()[name]
    assert (lacks(workload, on.build) is not None) == (name in TOO_OLD[spec])
    if name in TOO_OLD[spec]:
        return
    # What makes a figure good makes a slice long; here it is enough that there is one.
    quick = msgspec.structs.replace(workload, least_seconds=0.0)
    monkeypatch.setitem(workloads(), name, quick)
    check(peer, name, on, spec)


@pytest.mark.parametrize("name", ["udp_echo", "pipe_pingpong", "http_server", "delivery", "cpued", "ctrl_c"])
def test_some_of_them_on_the_jvm(peer: Peer, name: str) -> None:
    check(peer, name, interpreter("jython"), "jython")


def check(peer: Peer, name: str, on: Interpreter, spec: str) -> None:
    if name in LACKS[spec]:
        with pytest.raises(RunFailure) as raised:
            serve(peer, name, on)
        assert raised.value.kind == "unsupported"
        return
    # What is kept must do for the next slice too.
    several = 2 if workloads()[name].driver in {"service", "inside"} else 1
    for slice_ in serve(peer, name, on, slices=several):
        assert slice_.operations > 0 or slice_.offered
        if slice_.offered:
            assert slice_.served is not None
            assert 0 < slice_.served <= slice_.offered
            assert all(0 <= value < 5 for value in slice_.latencies)
        if not workloads()[name].scheduled and workloads()[name].driver != "signals":
            assert 0 < slice_.window < 5


# --- latency is right -----------------------------------------------------------------------------------


class ClosedLoop(Peer):
    """A client that sends one request after the other and times each of them."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:  # noqa: ARG002 - as Peer.ask
        times = []
        with socket.create_connection(request["address"], timeout=5) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            until = time.monotonic() + self.seconds
            while (before := time.monotonic()) < until:
                connection.send(b"x")
                connection.recv(1)
                times.append(time.monotonic() - before)
        return {
            "operations": 0, "window": 0.0, "latencies": times, "offered": len(times), "requests": len(times),
        }  # fmt: skip

    def confine(self, cpus: tuple[int, ...]) -> None:
        """It is this process, which may run where it likes."""


def test_open_loop_shows_a_stall_for_what_it_is_and_closed_loop_hides_it(peer: Peer) -> None:
    on = interpreter("3.11")
    plant: dict[str, Any] = {"how": "sleep", "hold": 0.1, "pause": 0.9}  # exact on a busy machine too
    for _ in range(3):  # a disturbance adds to the largest one
        seen = latencies(serve(peer, "long_hold", on, scheduled=5.0, rate=1000, **plant))
        p99, largest = seen[int(0.99 * len(seen))], seen[-1]
        if largest == pytest.approx(0.1, rel=0.1):
            break
    assert len(seen) > 4000
    # In a second 0.1 s are lost: the share (0.1 - x) of all requests waits for longer than x.
    assert p99 == pytest.approx(0.09, rel=0.1)
    assert largest == pytest.approx(0.1, rel=0.1)
    assert statistics.median(seen) < 0.01

    hiding = ClosedLoop(3.0)
    closed = latencies(serve(hiding, "long_hold", on, scheduled=3.0, **plant))
    assert closed[int(0.99 * len(closed))] < 0.02
    assert closed[-1] > 0.08  # one request a second knows of it, and the percentile does not


def test_one_long_c_call_stops_everybody_with_a_gil_and_nobody_without(peer: Peer) -> None:
    with_gil = latencies(serve(peer, "long_hold", interpreter("3.13"), scheduled=1.5, hold=0.2, pause=0.3))
    without = latencies(serve(peer, "long_hold", interpreter("3.13t"), scheduled=1.5, hold=0.2, pause=0.3))
    assert with_gil[int(0.9 * len(with_gil))] > 3 * without[int(0.9 * len(without))]
    assert with_gil[-1] > 0.1


# --- signals are right ----------------------------------------------------------------------------------

# As little as there can be between a signal and a stamp: no handler, no other thread, one call of C.
TRUTH = """
import signal, sys, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGURG])
print("ready", flush=True)
while True:
    signal.sigwaitinfo([signal.SIGURG])
    print(repr(time.monotonic()), flush=True)
"""


def truth(executable: str, count: int, interval: float, cpu: int) -> list[float]:
    with subprocess.Popen([executable, "-c", TRUTH], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "ready\n"
            os.sched_setaffinity(child.pid, (cpu,))
            found = []
            for _ in range(count):
                time.sleep(interval)
                sent = time.monotonic()
                os.kill(child.pid, signal.SIGURG)
                found.append(float(child.stdout.readline()) - sent)
        finally:
            child.kill()
    return found


def test_the_harness_adds_less_than_a_tenth_of_a_millisecond_to_a_signal(peer: Peer) -> None:
    on = interpreter("3.11")
    ours, theirs = [], []
    for _ in range(4):  # interleaved, since the machine drifts
        ours += latencies(serve(peer, "delivery", on, threads=0, scheduled=0.4))
        theirs += truth(on.executable, 20, 0.02, CPUS[0])
    assert len(ours) >= 75
    assert statistics.median(ours) - statistics.median(theirs) < 1e-4


def test_a_main_thread_that_can_be_interrupted_handles_signals_in_join_and_acquire(peer: Peer) -> None:
    for main in ("join", "lock"):
        modern = serve(peer, "delivery", interpreter("3.11"), threads=0, scheduled=0.3, main=main)
        assert modern[0].served is not None
        assert modern[0].served >= 10
        old = serve(peer, "delivery", interpreter("2.7"), threads=0, scheduled=0.3, main=main)
        assert old[0].served == 1  # when join and acquire have returned
        assert max(old[0].latencies) > 0.25


def test_a_c_call_keeps_ctrl_c_waiting_for_its_whole_length(peer: Peer) -> None:
    on = interpreter("3.11")
    asleep = latencies(serve(peer, "ctrl_c", on, threads=0, scheduled=1.0))
    calling = latencies(serve(peer, "ctrl_c", on, threads=0, scheduled=1.0, main="c_call", hold=0.4))
    assert statistics.median(asleep) < 0.01
    assert max(calling) > 0.25


def test_a_join_that_was_interrupted_is_joined_again(peer: Peer) -> None:
    # From 3.8 to 3.12 the interrupted join takes the thread for dead, and the next one returns at once.
    (slice_,) = serve(peer, "ctrl_c", interpreter("3.11"), threads=0, scheduled=1.0, main="join")
    assert slice_.served is not None
    assert slice_.served >= 15
    assert slice_.cpu is None or slice_.cpu < 0.3


def test_the_higher_the_rate_the_more_signals_are_merged_beside_a_busy_thread(peer: Peer) -> None:
    on = interpreter("3.11")
    shares = []
    for interval in (0.02, 0.001):
        slices = serve(peer, "coalescing", on, scheduled=0.4, interval=interval)
        shares.append(
            sum(slice_.served or 0 for slice_ in slices) / sum(slice_.offered or 0 for slice_ in slices)
        )
    assert shares[0] > 2 * shares[1]


# --- schedules ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["delivery", "itimer", "sleep_timer", "tcp_echo"])
def test_all_cases_of_a_round_get_the_same_schedule(peer: Peer, name: str) -> None:
    specs = ("2.7", "3.11", "3.13")
    offered = [
        [slice_.offered for slice_ in serve(peer, name, interpreter(spec), threads=0, slices=2)]
        for spec in specs
    ]
    assert offered[0] == offered[1] == offered[2]


@pytest.mark.parametrize(
    ("name", "what"), [("tcp_echo", "rate"), ("sleep_timer", "interval"), ("itimer", "interval")]
)
def test_a_schedule_that_cannot_be_made_is_a_failure_with_a_reason(peer: Peer, name: str, what: str) -> None:
    with pytest.raises(RunFailure, match=f"the {what} must be above 0") as raised:
        serve(peer, name, interpreter("3.11"), **{what: 0})
    assert raised.value.kind == "workload"


# --- nothing is left behind -----------------------------------------------------------------------------


def processes_of(session: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                status = (entry / "stat").read_text("ascii").rpartition(")")[2].split()
            except OSError:
                continue
            if status[0] != "Z" and int(status[3]) == session:
                found.append(int(entry.name))
    return found


def gone(session: int, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while processes_of(session):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("how", ["close", "kill", "kill a child"])
def test_no_process_is_left_behind(peer: Peer, method: str, how: str) -> None:
    on = interpreter("3.11")
    parameters = () if method == "fork" else (("method", method),)
    case = Case(workload="countdown_processes", interpreter=on.name, threads=2, parameters=parameters)
    worker = Worker(case, on, workloads(), peer)
    try:
        worker.prepare()
        family = processes_of(worker.pid)
        assert len(family) >= 3
        if how == "kill":
            os.kill(worker.pid, signal.SIGKILL)
            assert gone(worker.pid)
        elif how == "kill a child":
            os.kill(max(family), signal.SIGKILL)
            with pytest.raises(RunFailure):
                worker.calibrate()
    finally:
        worker.close()
    assert gone(worker.pid)


def test_a_worker_and_its_children_end_with_gilbench(tmp_path: Path) -> None:
    on = interpreter("3.11")
    script = tmp_path / "host.py"
    script.write_text(
        "import sys, time, msgspec\n"
        "from gilbench.model.study import Case, Interpreter\n"
        "from gilbench.run.peer import Peer\n"
        "from gilbench.run.worker import Worker\n"
        "from gilbench.plan.catalogue import catalogue\n"
        "on = msgspec.json.decode(sys.argv[1], type=Interpreter)\n"
        "case = Case(workload='countdown_processes', interpreter=on.name, threads=2)\n"
        "worker = Worker(case, on, catalogue(), Peer())\n"
        "worker.prepare()\n"
        "print(worker.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, str(script), msgspec.json.encode(on).decode()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        session = int(host.stdout.readline())
        assert len(processes_of(session)) >= 3
        host.kill()
    assert gone(session)
