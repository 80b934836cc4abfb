"""What surrounds the serving workloads: their declarations, the client's arithmetic, its links."""

from __future__ import annotations

import ast
import contextlib
import http.server
import json
import math
import os
import signal
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gilbench.host.placement import Layout, place
from gilbench.model.study import Case, Workload
from gilbench.plan.catalogue import catalogue
from gilbench.plan.schedules import poisson
from gilbench.run import peer_links, peer_main

FAMILIES = ("io", "mixed", "signals", "alternatives")
MINE = [workload for workload in catalogue().values() if workload.family in FAMILIES]

PATIENCE = 2.0  # s for pending answers


def tree(workload: Workload) -> ast.Module:
    return ast.parse(Path(workload.path).read_text("utf-8"))


# --- declarations ---------------------------------------------------------------------------------------


def test_the_families_are_complete() -> None:
    names = {family: {one.name for one in MINE if one.family == family} for family in FAMILIES}
    assert names["io"] >= {
        "tcp_echo", "udp_echo", "unix_echo", "pipe_pingpong", "thread_pingpong", "http_server", "asyncio_echo",
        "fsync_write", "sleep_timer",
    }  # fmt: skip
    assert names["mixed"] >= {
        "tcp_echo_cpu", "udp_echo_cpu", "udp_latency_cpu", "asyncio_cpu", "cpued", "io_before_cpu",
        "threadpool_service", "long_hold",
    }  # fmt: skip
    assert names["signals"] >= {"delivery", "ctrl_c", "coalescing", "itimer", "wakeup_fd"}
    ways = ("processes", "subinterpreters", "tasklets", "asyncio")
    assert names["alternatives"] >= {f"{work}_{way}" for work in ("countdown", "json") for way in ways}


@pytest.mark.parametrize("workload", MINE, ids=lambda workload: workload.name)
def test_each_says_its_unit_and_its_source(workload: Workload) -> None:
    docstring = " ".join((ast.get_docstring(tree(workload)) or "").split())
    assert "Unit: " in docstring
    assert "Source: " in docstring
    assert workload.unit in docstring.partition("Unit: ")[2]


@pytest.mark.parametrize("workload", MINE, ids=lambda workload: workload.name)
def test_each_can_be_read_by_python_2_unless_it_asks_for_more(workload: Workload) -> None:
    modern = (
        ast.JoinedStr,
        ast.AnnAssign,
        ast.AsyncFunctionDef,
        ast.Await,
        ast.NamedExpr,
        ast.Nonlocal,
        ast.Starred,
    )
    found = {type(node).__name__ for node in ast.walk(tree(workload)) if isinstance(node, modern)}
    assert not found or any(need.startswith("python>=3") for need in workload.requires)


@pytest.mark.parametrize("workload", MINE, ids=lambda workload: workload.name)
def test_what_each_refers_to_is_there(workload: Workload) -> None:
    all_of_them = catalogue()
    background = workload.parameters.get("background")
    if workload.foreground is not None:
        assert workload.foreground in all_of_them
    if background is not None:
        assert background == workload.name or all_of_them[str(background)].driver == "parallel"
    for name, values in workload.choices.items():
        assert workload.parameters[name] == values[0], "the first choice is the default"
    if workload.driver == "service":
        assert workload.peer in peer_links.LINKS
        assert "rate" in workload.parameters


# --- where it runs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("driver", "threads", "cpus"),
    [("processes", 1, 1), ("cooperative", 1, 1), ("processes", 2, 2), ("service", 1, 2), ("inside", 0, 2)],
)
def test_one_computing_worker_of_any_kind_gets_one_cpu(driver: str, threads: int, cpus: int) -> None:
    case = Case(workload="x", interpreter="x", threads=threads)
    assert len(place(case, driver, Layout((0, 1)), 0).cpus) == cpus


# --- the arithmetic of a client on schedule -------------------------------------------------------------


class Clock:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Stalling(peer_links.Link):
    """A server that needs 50 µs for a request, and does nothing for ``stall`` s at the begin of each second."""

    service = 50e-6

    def __init__(self, clock: Clock, stall: float) -> None:
        super().__init__({"limit": 10.0})
        self.clock, self.stall = clock, stall
        self.free = 0.0
        self.under_way: list[tuple[float, int]] = []

    def send(self, number: int) -> None:
        begin = max(self.clock.time, self.free)
        if begin % 1.0 < self.stall:
            begin += self.stall - begin % 1.0
        self.free = begin + self.service
        self.under_way.append((self.free, number))

    def wait(self, seconds: float) -> bool:
        end = self.clock.time + max(0.0, seconds)
        if self.under_way and self.under_way[0][0] <= end:
            self.clock.time = max(self.clock.time, self.under_way[0][0])
            return True
        self.clock.time = end
        return False

    def answers(self) -> list[int]:
        assert self.wait(10.0)
        return [self.under_way.pop(0)[1]]


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(peer_main, "time", clock)
    return clock


def open_loop(link: peer_links.Link, seconds: float, rate: float = 100.0) -> tuple[list[float], int]:
    schedule = poisson(rate, seconds, 1)
    return peer_main._open_loop(link, 0, schedule, seconds, PATIENCE), len(schedule)


def test_a_stall_is_seen_as_open_loop_arithmetic_predicts(clock: Clock) -> None:
    latencies, offered = open_loop(Stalling(clock, stall=0.1), seconds=200.0)
    assert len(latencies) == offered == pytest.approx(20_000, rel=0.03)
    # A request that arrives u s into the stall waits for 0.1 - u: more than x has the share (0.1 - x) / 1 s.
    assert quantile(latencies, 0.99) == pytest.approx(0.09, rel=0.1)
    assert quantile(latencies, 0.95) == pytest.approx(0.05, rel=0.1)
    assert max(latencies) == pytest.approx(0.1, rel=0.1)
    assert quantile(latencies, 0.5) < 1e-3


def test_a_client_that_waits_for_each_answer_would_have_hidden_it(clock: Clock) -> None:
    link = Stalling(clock, stall=0.1)
    latencies = []
    while clock.time < 20.0:
        before = clock.time
        link.send(0)
        link.answers()
        latencies.append(clock.time - before)
    assert quantile(latencies, 0.99) == pytest.approx(link.service)
    assert quantile(latencies, 0.999) == pytest.approx(link.service)
    assert max(latencies) == pytest.approx(0.1, rel=0.1)  # one request a second knows of it


def test_without_a_stall_a_request_takes_as_long_as_it_is_served(clock: Clock) -> None:
    latencies, _ = open_loop(Stalling(clock, stall=0.0), seconds=50.0)
    assert quantile(latencies, 0.5) == pytest.approx(Stalling.service)


def test_what_is_never_answered_is_offered_and_has_no_latency(clock: Clock) -> None:
    link = Stalling(clock, stall=0.0)
    link.free = math.inf
    latencies, offered = open_loop(link, seconds=5.0)
    assert latencies == []
    assert offered > 400
    assert clock.time == pytest.approx(5.0 + PATIENCE)


class Reversing(Stalling):
    """A server that answers two requests at a time, the later one first."""

    def answers(self) -> list[int]:
        assert self.wait(10.0)
        taken, self.under_way = self.under_way[:2], self.under_way[2:]
        return [number for _, number in reversed(taken)]


def test_latencies_are_in_the_order_of_the_schedule_whatever_that_of_the_answers(clock: Clock) -> None:
    link = Reversing(clock, stall=0.0)
    link.free = 1.0  # all requests are waiting by then
    found = peer_main._open_loop(link, 0, [0.1, 0.2, 0.3, 0.4], 0.5, PATIENCE)
    assert found == pytest.approx([0.9, 0.8, 0.7, 0.6], abs=1e-3)


def test_signals_are_sent_at_the_moments_of_the_schedule(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number, clock.time)))
    clock.time = 7.0
    order = {"pid": 1234567, "signal": "SIGURG", "schedule": [0.5, 0.75, 2.0]}
    assert peer_main.signals(order) == {"sent": [7.5, 7.75, 9.0]}
    assert sent == [(1234567, signal.SIGURG, moment) for moment in (7.5, 7.75, 9.0)]


@pytest.mark.parametrize("depth", [1, 8])
def test_a_closed_loop_keeps_its_depth_and_answers_for_all_it_sent(clock: Clock, depth: int) -> None:
    link = Stalling(clock, stall=0.0)
    most, send = 0, link.send

    def watched(number: int) -> None:
        nonlocal most
        send(number)
        most = max(most, len(link.under_way))

    link.send = watched  # type: ignore[method-assign]
    seen = peer_main._closed_loop(link, 3, 0.1, depth)
    assert most == depth
    assert link.under_way == []
    assert seen["operations"] / seen["window"] == pytest.approx(1 / link.service, rel=0.01)
    assert seen["sent"] - seen["operations"] == depth - 1


def test_a_closed_loop_of_no_length_sends_nothing(clock: Clock) -> None:
    seen = peer_main._closed_loop(Stalling(clock, stall=0.0), 0, 0.0, 1)
    assert seen == {"sent": 0, "operations": 0, "window": 0.0}


# --- links over real sockets ----------------------------------------------------------------------------


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@contextlib.contextmanager
def serving(target: Callable[..., None], *arguments: Any) -> Iterator[None]:
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(5.0)
        assert not thread.is_alive()


def use(name: str, **request: Any) -> list[int]:
    link = peer_links.LINKS[name]({"limit": 5.0, **request})
    try:
        answered: list[int] = []
        for number in range(300):  # more than a byte can number
            link.send(number)
            while number not in answered[-1:]:
                assert link.wait(5.0)
                answered += link.answers()
        link.finish()
    finally:
        link.close()
    return answered


def echo_stream(server: socket.socket, change: int = 0) -> None:
    connection, _ = server.accept()
    with connection, contextlib.suppress(OSError):
        while byte := connection.recv(1):
            connection.send(bytes((byte[0] ^ change,)))


@pytest.mark.parametrize("name", ["tcp", "unix"])
def test_bytes_over_a_stream(name: str) -> None:
    with socket.socket(socket.AF_INET if name == "tcp" else socket.AF_UNIX) as server:
        server.bind(("127.0.0.1", 0) if name == "tcp" else f"\0gilbench-test-{os.getpid()}")
        server.listen(1)
        address = server.getsockname() if name == "tcp" else f"\0gilbench-test-{os.getpid()}"
        with serving(echo_stream, server):
            assert use(name, address=address) == list(range(300))


def test_a_wrong_byte_is_found_out() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        serving(echo_stream, server, 1),
        pytest.raises(ValueError, match="request 0 got the answer 1"),
    ):
        use("tcp", address=server.getsockname())


def test_bytes_over_pipes_that_are_opened_by_their_paths() -> None:
    paths = peer_links.pipes({})["paths"]

    def echo() -> None:
        requests, replies = os.open(paths[0], os.O_RDONLY), os.open(paths[1], os.O_WRONLY)
        while byte := os.read(requests, 1):
            os.write(replies, byte)
        os.close(requests)
        os.close(replies)

    before = open_descriptors()
    with serving(echo):
        assert use("pipe") == list(range(300))
    assert open_descriptors() == before - 4


def test_pipes_that_were_not_used_are_closed_when_new_ones_are_made() -> None:
    peer_links.pipes({})
    before = open_descriptors()
    peer_links.pipes({})
    assert open_descriptors() == before
    while peer_links._pipes:
        os.close(peer_links._pipes.pop())


def echo_datagrams(server: socket.socket, lose: int) -> None:
    ends = 0
    while ends <= lose:
        data, address = server.recvfrom(65536)
        ends += data == b"end"
        if data != b"end" or ends > lose:
            server.sendto(data, address)


@pytest.mark.parametrize("lose", [0, 2])
def test_datagrams_and_an_end_that_may_be_lost(lose: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        with serving(echo_datagrams, server, lose):
            assert use("udp", address=server.getsockname(), size=1024) == list(range(300))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.path[1:].encode() + b"\n")
        if self.path == "/stop":
            threading.Thread(target=self.server.shutdown).start()

    def log_message(self, *arguments: Any) -> None:
        pass


def test_requests_over_http() -> None:
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server,
        serving(server.serve_forever, 0.01),
    ):
        assert use("http", address=server.server_address) == list(range(300))


def do_jobs(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection, connection.makefile("rb") as lines:
        for line in lines:
            job = json.loads(line)
            items = peer_links.expected_of_job(job["seed"], job["steps"], job["items"])
            body = zlib.compress(json.dumps({"id": job["id"], "items": items}).encode())
            connection.sendall(struct.pack("!I", len(body)) + body)


def test_jobs_and_compressed_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, serving(do_jobs, server):
        assert use("jobs", address=server.getsockname(), steps=3, items=5) == list(range(300))
