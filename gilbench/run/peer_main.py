"""The process outside: a client or a sender of signals. ``python peer_main.py REQUESTS REPLIES``.

Standard library only and started without ``site``, so that it is there at once. It speaks the workers'
protocol. The same peer serves every interpreter, so that what differs is the interpreter.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import os
import random
import select
import selectors
import signal
import socket
import struct
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any

PATIENCE = 2.0  # s for what is still under way at the end of a slice
WARM_UP = 3  # round trips before the clock starts
_PR_SET_TIMERSLACK = 29  # prctl(2); 1 ns instead of 50 µs, so that requests leave when they are due

_pipes: list[int] = []  # ends made for the next slice: requests to read, to write, replies to read, to write


class Link:
    """A way to a server. Requests are numbered from 0; ``answers`` says which ones came back.

    Args:
        request: What gilbench asks: ``address``, ``limit`` in s, and what the link itself needs.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self.limit = float(request["limit"])

    def fileno(self) -> int:
        """What becomes readable when an answer comes."""
        raise NotImplementedError

    def send(self, number: int) -> None:
        """Send one request."""
        raise NotImplementedError

    def answers(self) -> list[int]:
        """Wait for the next answers, and check them."""
        raise NotImplementedError

    def wait(self, seconds: float) -> bool:
        """Wait until there is something to read."""
        return bool(select.select([self], [], [], max(0.0, seconds))[0])

    def finish(self) -> None:
        """Tell the server that this was all."""

    def close(self) -> None:
        """Let go of everything."""


class _Bytes(Link):
    """One byte a request, the answers in the same order."""

    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__(request)
        self._answered = 0

    def send(self, number: int) -> None:
        """As for every link."""
        self._write(bytes((number & 0xFF,)))

    def answers(self) -> list[int]:
        """As for every link."""
        answers = self._read()
        if not answers:
            raise ConnectionError("the server closed the connection")
        first, self._answered = self._answered, self._answered + len(answers)
        for number, answer in enumerate(answers, first):
            if answer != number & 0xFF:
                raise ValueError(f"request {number} was answered by {answer}")
        return list(range(first, self._answered))

    def _write(self, data: bytes) -> None:
        raise NotImplementedError

    def _read(self) -> bytes:
        raise NotImplementedError


class StreamLink(_Bytes):
    """Over a TCP connection, or a Unix socket where the address is a name."""

    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__(request)
        self._socket = _connected(request["address"], self.limit)

    def fileno(self) -> int:
        """As for every link."""
        return self._socket.fileno()

    def _write(self, data: bytes) -> None:
        self._socket.send(data)

    def _read(self) -> bytes:
        return self._socket.recv(4096)

    def finish(self) -> None:
        """As for every link."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """As for every link."""
        self._socket.close()


class PipeLink(_Bytes):
    """Over the two pipes that were made for this slice; the server has opened its ends by their paths."""

    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__(request)
        self._theirs_in, self._out, self._in, self._theirs_out = _pipes
        _pipes.clear()

    def fileno(self) -> int:
        """As for every link."""
        return self._in

    def _write(self, data: bytes) -> None:
        os.write(self._out, data)

    def _read(self) -> bytes:
        if not self.wait(self.limit):
            raise TimeoutError("timed out")
        return os.read(self._in, 4096)

    def finish(self) -> None:
        """As for every link."""
        os.close(self._out)
        self._out = -1

    def close(self) -> None:
        """As for every link."""
        for descriptor in (self._theirs_in, self._out, self._in, self._theirs_out):
            if descriptor >= 0:
                os.close(descriptor)


class DatagramLink(Link):
    """Datagrams of ``size`` bytes that begin with their number."""

    _HEAD = struct.Struct("!Q")
    _END = b"end"

    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__(request)
        self._size = int(request.get("size", 0))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(self.limit)
        self._socket.connect(tuple(request["address"]))

    def fileno(self) -> int:
        """As for every link."""
        return self._socket.fileno()

    def send(self, number: int) -> None:
        """As for every link."""
        self._socket.send(self._HEAD.pack(number).ljust(self._size, b"."))

    def answers(self) -> list[int]:
        """As for every link."""
        data = self._socket.recv(65536)
        if len(data) != max(self._size, self._HEAD.size) or data.strip(b".") != data.rstrip(b"."):
            raise ValueError(f"a datagram of {len(data)} bytes came back, of {self._size} sent")
        return [self._HEAD.unpack_from(data)[0]]

    def finish(self) -> None:
        """Send what ends it until it comes back: a datagram may be lost."""
        self._socket.settimeout(0.2)
        deadline = time.monotonic() + self.limit
        while time.monotonic() < deadline:
            self._socket.send(self._END)
            with contextlib.suppress(TimeoutError):
                while self._socket.recv(65536) != self._END:
                    pass
                return
        raise TimeoutError("the server does not end")

    def close(self) -> None:
        """As for every link."""
        self._socket.close()


class HttpLink(Link):
    """GET requests over HTTP/1.0, each on a connection of its own, as many at a time as it takes."""

    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__(request)
        self._address = tuple(request["address"])
        self._selector = selectors.DefaultSelector()
        self._ready: list[tuple[selectors.SelectorKey, int]] = []

    def fileno(self) -> int:
        """As for every link."""
        return self._selector.fileno()

    def send(self, number: int) -> None:
        """As for every link."""
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        connection.connect_ex(self._address)
        self._selector.register(connection, selectors.EVENT_WRITE, (number, bytearray()))

    def wait(self, seconds: float) -> bool:
        """As for every link."""
        self._ready = self._selector.select(max(0.0, seconds))
        return bool(self._ready)

    def answers(self) -> list[int]:
        """As for every link."""
        if not self._ready and not self.wait(self.limit):
            raise TimeoutError("timed out")
        events, self._ready = self._ready, []
        return [number for key, mask in events for number in self._serve(key, mask)]

    def _serve(self, key: selectors.SelectorKey, mask: int) -> list[int]:
        connection, (number, got) = key.fileobj, key.data
        assert isinstance(connection, socket.socket)  # noqa: S101 - as registered
        if mask & selectors.EVENT_WRITE:
            connection.send(b"GET /%d HTTP/1.0\r\nHost: localhost\r\n\r\n" % number)
            self._selector.modify(connection, selectors.EVENT_READ, key.data)
            return []
        data = connection.recv(65536)
        if data:
            got += data
            return []
        self._selector.unregister(connection)
        connection.close()
        head, _, body = bytes(got).partition(b"\r\n\r\n")
        if b" 200 " not in head.partition(b"\r\n")[0] or body != b"%d\n" % number:
            raise ValueError(f"GET /{number} was answered by {bytes(got[:60])!r}")
        return [number]

    def finish(self) -> None:
        """As for every link."""
        with _connected(self._address, self.limit) as connection:
            connection.sendall(b"GET /stop HTTP/1.0\r\n\r\n")
            while connection.recv(4096):
                pass

    def close(self) -> None:
        """As for every link."""
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)  # noqa: S101 - as registered
            key.fileobj.close()
        self._selector.close()


class JobLink(Link):
    """Jobs as lines of JSON; answers in any order, each its length in four bytes and JSON in zlib's format."""

    _LENGTH = struct.Struct("!I")

    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__(request)
        self._steps, self._items = int(request["steps"]), int(request["items"])
        expected_of_job(0, self._steps, self._items)  # the 16 answers are worked out before the clock starts
        self._socket = _connected(request["address"], self.limit)
        self._got = b""

    def fileno(self) -> int:
        """As for every link."""
        return self._socket.fileno()

    def send(self, number: int) -> None:
        """As for every link."""
        job = {"id": number, "seed": number % 16, "steps": self._steps, "items": self._items}
        self._socket.sendall(json.dumps(job).encode() + b"\n")

    def answers(self) -> list[int]:
        """As for every link."""
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._got += data
        numbers = []
        while len(self._got) >= self._LENGTH.size:
            end = self._LENGTH.size + self._LENGTH.unpack_from(self._got)[0]
            if len(self._got) < end:
                break
            answer = json.loads(zlib.decompress(self._got[self._LENGTH.size : end]))
            self._got = self._got[end:]
            if answer["items"] != expected_of_job(answer["id"] % 16, self._steps, self._items):
                raise ValueError(f"job {answer['id']} was answered wrongly")
            numbers.append(answer["id"])
        return numbers

    def finish(self) -> None:
        """As for every link."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """As for every link."""
        self._socket.close()


@functools.cache
def expected_of_job(seed: int, steps: int, items: int) -> list[int]:
    """What ``threadpool_service`` must answer: a pseudo-random sequence, one item every ``steps`` steps."""
    if seed == 0:
        for other in range(1, 16):
            expected_of_job(other, steps, items)
    found, state = [], seed
    for _ in range(items):
        for _ in range(steps):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        found.append(state)
    return found


LINKS: dict[str, Callable[[dict[str, Any]], Link]] = {
    "tcp": StreamLink,
    "unix": StreamLink,
    "udp": DatagramLink,
    "pipe": PipeLink,
    "http": HttpLink,
    "jobs": JobLink,
}


def _connected(address: Any, limit: float) -> socket.socket:
    if isinstance(address, str):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(limit)
        connection.connect(address)
        return connection
    connection = socket.create_connection(tuple(address), timeout=limit)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def pipes(request: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - each request is called alike
    """Make the two pipes of the next slice; the paths by which the other side opens its ends.

    A path into /proc can be opened by every interpreter, and leaves nothing behind.
    """
    while _pipes:
        os.close(_pipes.pop())
    _pipes.extend((*os.pipe(), *os.pipe()))
    return {"paths": [f"/proc/{os.getpid()}/fd/{end}" for end in (_pipes[0], _pipes[3])]}


def serve(request: dict[str, Any]) -> dict[str, Any]:
    """One closed-loop phase, then one open-loop phase, on one link.

    Closed: always ``depth`` requests under way, for ``closed`` s. Open: Poisson arrivals at ``rate`` per second
    for ``open`` s; latency counts from the scheduled moment, whatever became of the requests before (no
    coordinated omission).
    """
    link = LINKS[request["link"]](request)
    try:
        for number in range(WARM_UP):
            link.send(number)
            while not link.answers():
                pass
        closed = _closed_loop(link, WARM_UP, request["closed"], request["depth"])
        number = WARM_UP + closed["sent"]
        rng = random.Random(request["seed"])
        latencies, offered = _open_loop(link, number, rng, request["rate"], request["open"])
        link.finish()
    finally:
        link.close()
    return {
        "operations": closed["operations"],
        "window": closed["window"],
        "latencies": latencies,
        "offered": offered,
        "requests": number + offered,
    }


def _closed_loop(link: Link, number: int, seconds: float, depth: int) -> dict[str, Any]:
    if seconds <= 0:
        return {"sent": 0, "operations": 0, "window": 0.0}
    first, answered, counted = number, 0, 0
    started = moment = time.monotonic()
    until = started + seconds
    for _ in range(depth):
        link.send(number)
        number += 1
    while answered < number - first:
        for _ in link.answers():
            answered += 1
            if moment < until:
                moment = time.monotonic()
                counted += 1
                if moment < until:
                    link.send(number)
                    number += 1
    return {"sent": number - first, "operations": counted, "window": moment - started}


def _open_loop(
    link: Link, number: int, rng: random.Random, rate: float, seconds: float
) -> tuple[list[float], int]:
    latencies: list[float] = []
    waiting: dict[int, float] = {}
    first = number
    due = time.monotonic() + rng.expovariate(rate)
    end = time.monotonic() + seconds
    while True:
        moment = time.monotonic()
        if due <= end and moment >= due:
            link.send(number)
            waiting[number] = due
            number += 1
            due += rng.expovariate(rate)
            continue
        if due > end and (not waiting or moment >= end + PATIENCE):
            break
        if link.wait((due if due <= end else end + PATIENCE) - moment):
            answers = link.answers()
            arrived = time.monotonic()
            latencies += [arrived - waiting.pop(answer) for answer in answers]
    return latencies, number - first


def signals(request: dict[str, Any]) -> dict[str, Any]:
    """Send ``count`` signals, one every ``interval`` s; the stamps at which they were sent."""
    number = getattr(signal, request["signal"])
    start = time.monotonic() + request["interval"]
    sent = []
    for index in range(request["count"]):
        time.sleep(max(0.0, start + index * request["interval"] - time.monotonic()))
        sent.append(time.monotonic())
        os.kill(request["pid"], number)
    return {"sent": sent}


def main() -> None:
    """Serve requests until gilbench has gone."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    known = {"serve": serve, "signals": signals, "pipes": pipes}
    with open(int(sys.argv[1])) as requests, open(int(sys.argv[2]), "w") as replies:
        for line in requests:
            request = json.loads(line)
            if request["do"] == "stop":
                return
            try:
                answer = {"ok": known[request["do"]](request)}
            except (OSError, ValueError, LookupError, zlib.error) as error:
                answer = {"error": {"kind": "peer", "message": f"{type(error).__name__}: {error}"}}
            replies.write(json.dumps(answer) + "\n")
            replies.flush()


if __name__ == "__main__":
    main()
