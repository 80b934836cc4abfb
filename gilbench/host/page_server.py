"""Serves one text over HTTP, on loopback or a Unix socket, to few clients at a time, whatever they do.

A client gets the text that was published last. One that is slow, or says too much, is dropped; none can make the server
wait or grow.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import selectors
import socket
import stat
import threading
import time
from pathlib import Path

from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt

PATH = "/metrics"
_MOST = 16  # connections at a time
_LONGEST = 8192  # B of a request
_LIMIT = 10.0  # s for a request and its answer
_CHECK = 1.0  # s between two checks for late clients
_UNIX = "unix:"
_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class _Client:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.asked = bytearray()
        self.answer = memoryview(b"")
        self.until = time.monotonic() + _LIMIT


class PageServer:
    """Listens at once, and answers after ``start``.

    Args:
        address: ``HOST:PORT`` with an IP address or localhost, or ``unix:PATH``.
        public: Accept an address that other hosts can reach.

    Raises:
        UsageError: The address is wrong, in use, or public.
    """

    def __init__(self, address: str, *, public: bool = False) -> None:
        self._path: Path | None = None
        try:
            self._listener = self._listen(address, public=public)
        except OSError as error:
            raise UsageError(
                f"--listen: cannot listen on {address}: {error.strerror or error}; choose another address"
            ) from error
        self._listener.setblocking(False)
        self._page = b""
        self._stop_reader, self._stop_writer = os.pipe2(os.O_CLOEXEC)
        self._selector = selectors.DefaultSelector()
        self._clients: set[_Client] = set()
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """Where it listens: a URL, or the path of a socket."""
        if self._path is not None:
            return str(self._path)
        host, port = self._listener.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}"

    def publish(self, text: str) -> None:
        """Set the text that clients get from now on, and start to answer."""
        self._page = text.encode()
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop serving, and remove the socket."""
        os.write(self._stop_writer, b"1")
        if self._thread is not None:
            self._thread.join()
        for client in list(self._clients):
            self._drop(client)
        self._listener.close()
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
        self._selector.close()
        os.close(self._stop_reader)
        os.close(self._stop_writer)

    def _listen(self, address: str, *, public: bool) -> socket.socket:
        if address.startswith(_UNIX):
            self._path = Path(address.removeprefix(_UNIX))
            return _listen_on_path(self._path)
        host, _, port = address.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        try:
            where = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
            number = int(port)
        except ValueError as error:
            raise UsageError(
                f"--listen: {excerpt(address, 80)!r} is not an address; use for example 127.0.0.1:9123, "
                "or unix:/run/watch.sock"
            ) from error
        if not where.is_loopback and not public:
            raise UsageError(
                f"--listen: other hosts can reach {where}, and the page has no password; use 127.0.0.1, or add --public"
            )
        if not 0 <= number < 1 << 16:
            raise UsageError(f"--listen: {number} is not a port; use 1024 to 65535")
        return socket.create_server(
            (str(where), number),
            family=socket.AF_INET6 if where.version == 6 else socket.AF_INET,  # noqa: PLR2004
        )

    def _serve(self) -> None:
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._stop_reader, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select(_CHECK if self._clients else None):
                if key.fileobj == self._stop_reader:
                    return
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._go_on(key.data)
            for client in [one for one in self._clients if time.monotonic() > one.until]:
                self._drop(client)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        if len(self._clients) >= _MOST:
            connection.close()
            return
        connection.setblocking(False)
        client = _Client(connection)
        self._clients.add(client)
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _go_on(self, client: _Client) -> None:
        """Read more of a request, or write more of its answer."""
        try:
            if not client.answer:
                received = client.connection.recv(_LONGEST)
                client.asked += received
                if not received or len(client.asked) > _LONGEST:
                    self._drop(client)
                    return
                if b"\r\n\r\n" not in client.asked:
                    return
                client.answer = memoryview(self._answer(bytes(client.asked)))
                self._selector.modify(client.connection, selectors.EVENT_WRITE, client)
            client.answer = client.answer[client.connection.send(client.answer) :]
            if not client.answer:
                self._drop(client)
        except BlockingIOError:
            return
        except OSError:
            self._drop(client)

    def _answer(self, asked: bytes) -> bytes:
        method, _, rest = asked.partition(b"\r\n")[0].partition(b" ")
        target = rest.partition(b" ")[0].partition(b"?")[0].decode("latin-1")
        if method not in {b"GET", b"HEAD"}:
            return _response("405 Method Not Allowed", b"only GET and HEAD\n", "text/plain", body=True)
        body = method == b"GET"
        if target != PATH:
            return _response(
                "404 Not Found", f"the metrics are at {PATH}\n".encode(), "text/plain", body=body
            )
        return _response("200 OK", self._page, _TYPE, body=body)

    def _drop(self, client: _Client) -> None:
        self._clients.discard(client)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(client.connection)
        client.connection.close()


def _response(status: str, content: bytes, kind: str, *, body: bool) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (content if body else b"")


def _listen_on_path(path: Path) -> socket.socket:
    """Listen on a socket that only this user and the group can reach; replace one on which nobody listens."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.lstat().st_mode) and not _answers(path):
            path.unlink()
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        before = os.umask(0o117)
        try:
            found.bind(str(path))
        finally:
            os.umask(before)
        found.listen(_MOST)
    except OSError:
        found.close()
        raise
    return found


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
    return True
