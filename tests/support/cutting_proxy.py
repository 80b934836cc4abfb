"""A proxy for TCP that cuts connections at a chosen byte, as networks do."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CHUNK = 1 << 16
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST


class CuttingProxy:
    """Forwards each connection to a server until it is cut.

    Attributes:
        port: Where it listens, at 127.0.0.1.
        sent: Bytes that clients have sent in all connections.
        answered: Bytes that the server has sent in all connections.
        cuts: Number of connections that were cut.
        is_end: Gets the number of bytes of the client and of the server that a connection has forwarded, and the next
            bytes of one of them, empty for the other. True: cut the connection instead of forwarding these.
        left: Number of connections to cut; the others are forwarded to their ends.
        is_open: Whether new connections are forwarded; if not, they are closed at once.
        resets: Whether connections are cut with RST instead of FIN.
        is_silent: Whether connections stay open without forwarding anything.
    """

    def __init__(self, server: int) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.is_end: Callable[[int, int, bytes, bytes], bool] = lambda *_: False
        self.is_open, self.resets, self.is_silent = True, False, False
        self.sent = self.answered = self.cuts = self.left = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client = self._listener.accept()[0]
                if self.is_open:
                    threading.Thread(target=self._forward, args=(client,), daemon=True).start()
                else:
                    client.close()

    def _forward(self, client: socket.socket) -> None:
        forwarded = {True: 0, False: 0}  # bytes by whether the client has sent them
        with (
            client,
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self._server)) as server,
            selectors.DefaultSelector() as ready,
        ):
            ready.register(client, selectors.EVENT_READ, (True, server))
            ready.register(server, selectors.EVENT_READ, (False, client))
            while True:
                for key, _ in ready.select():
                    is_client, other = key.data
                    data = key.fileobj.recv(CHUNK)  # type: ignore[union-attr]
                    if not data:
                        return
                    if self.is_silent:
                        continue
                    texts = (data, b"") if is_client else (b"", data)
                    if self.left and self.is_end(forwarded[True], forwarded[False], *texts):
                        self._cut(client)
                        return
                    other.sendall(data)
                    forwarded[is_client] += len(data)
                    self.sent += len(texts[0])
                    self.answered += len(texts[1])

    def _cut(self, client: socket.socket) -> None:
        self.cuts += 1
        self.left -= 1
        if self.resets:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


@contextmanager
def cutting_proxy(server: int) -> Iterator[CuttingProxy]:
    """Start a proxy of a port for a while."""
    proxy = CuttingProxy(server)
    try:
        yield proxy
    finally:
        proxy.close()
