"""The links of the load generator: how its requests reach a server, and how the answers come back."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import selectors
import socket
import struct
import time
import zlib
from collections.abc import Callable
from typing import Any

_pipes: list[int] = []  # ends for the next slice: read requests, write requests, read replies, write replies


class Link:
    """A connection to a server. Requests are numbered from 0.

    Args:
        request: gilbench's request: ``address``, ``limit`` in s, and the fields of the kind of link.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self.limit = float(request["limit"])

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when an answer arrives."""
        raise NotImplementedError

    def send(self, number: int) -> None:
        """Send one request."""
        raise NotImplementedError

    def answers(self) -> list[int]:
        """Wait for the next answers, check them, and return the numbers of their requests."""
        raise NotImplementedError

    def wait(self, seconds: float) -> bool:
        """Wait until there is something to read."""
        return bool(select.select([self], [], [], max(0.0, seconds))[0])

    def finish(self) -> None:
        """Tell the server that there are no more requests."""

    def close(self) -> None:
        """Close all descriptors."""


class _Bytes(Link):
    """One byte per request; the answers arrive in the same order."""

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
                raise ValueError(f"request {number} got the answer {answer}")
        return list(range(first, self._answered))

    def _write(self, data: bytes) -> None:
        raise NotImplementedError

    def _read(self) -> bytes:
        raise NotImplementedError


class StreamLink(_Bytes):
    """A TCP connection, or a Unix socket if the address is a path."""

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
    """The two pipes of this slice; the server opens its ends by their paths."""

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
    """Datagrams of ``size`` bytes that start with their number."""

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
            raise ValueError(f"a datagram of {self._size} bytes got an answer of {len(data)} bytes")
        return [self._HEAD.unpack_from(data)[0]]

    def finish(self) -> None:
        """Send the end marker until the server returns it, since datagrams can be lost."""
        self._socket.settimeout(0.2)
        deadline = time.monotonic() + self.limit
        while time.monotonic() < deadline:
            self._socket.send(self._END)
            with contextlib.suppress(TimeoutError):
                while self._socket.recv(65536) != self._END:
                    pass
                return
        raise TimeoutError("the server did not end")

    def close(self) -> None:
        """As for every link."""
        self._socket.close()


class HttpLink(Link):
    """GET requests over HTTP/1.0, each on its own connection, any number at a time."""

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
            raise ValueError(f"GET /{number} got the answer {bytes(got[:60])!r}")
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
    """Jobs as lines of JSON. Answers arrive in any order: a length of four bytes, then compressed JSON (zlib)."""

    _LENGTH = struct.Struct("!I")

    def __init__(self, request: dict[str, Any]) -> None:
        super().__init__(request)
        self._steps, self._items = int(request["steps"]), int(request["items"])
        expected_of_job(0, self._steps, self._items)  # compute the 16 answers before the clock starts
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
                raise ValueError(f"job {answer['id']} got a wrong answer")
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
    """Return the correct answer of ``threadpool_service``: every ``steps``-th item of a pseudo-random sequence."""
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
    """Create the two pipes of the next slice, and return the paths of the server's ends.

    Every interpreter can open a path in /proc, and no file is left behind.
    """
    while _pipes:
        os.close(_pipes.pop())
    _pipes.extend((*os.pipe(), *os.pipe()))
    return {"paths": [f"/proc/{os.getpid()}/fd/{end}" for end in (_pipes[0], _pipes[3])]}
