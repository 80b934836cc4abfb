from __future__ import annotations

import contextlib
import http.client
import socket
import stat
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from children import open_descriptors

from gilbench.host import page_server
from gilbench.host.page_server import PageServer
from gilbench.model.errors import UsageError


@pytest.fixture
def server() -> Iterator[PageServer]:
    found = PageServer("127.0.0.1:0")
    found.publish("one 1\n# EOF\n")
    yield found
    found.close()


def ask(server: PageServer, method: str = "GET", path: str = "/metrics") -> tuple[int, str, str]:
    parts = urllib.parse.urlsplit(server.address)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type", ""), answer.read().decode()


def connected(server: PageServer) -> socket.socket:
    parts = urllib.parse.urlsplit(server.address)
    return socket.create_connection((parts.hostname, parts.port), timeout=10)


def test_it_answers_with_the_latest_text(server: PageServer) -> None:
    status, kind, body = ask(server)
    assert (status, body) == (200, "one 1\n# EOF\n")
    assert kind.startswith("application/openmetrics-text")
    server.publish("two 2\n# EOF\n")
    assert ask(server)[2] == "two 2\n# EOF\n"
    assert ask(server, "HEAD")[::2] == (200, "")
    assert ask(server, path="/metrics?x=1")[0] == 200


def test_it_knows_one_page_and_two_methods(server: PageServer) -> None:
    assert ask(server, path="/")[0] == 404
    assert ask(server, path="/../etc/passwd")[0] == 404
    assert ask(server, "POST")[0] == 405
    assert ask(server, "DELETE")[0] == 405


def test_clients_that_say_nothing_or_too_much_hold_up_nobody(
    server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_server, "_LIMIT", 1.0)
    silent = [connected(server) for _ in range(page_server._MOST - 2)]
    slow = connected(server)
    slow.sendall(b"GET /metr")
    chatty = connected(server)
    with contextlib.suppress(ConnectionError):
        chatty.sendall(b"x" * 100_000)
        assert chatty.recv(100) == b""  # dropped
    assert ask(server)[0] == 200
    assert slow.recv(100) == b""  # dropped after its time
    for one in (*silent, slow, chatty):
        one.close()
    assert ask(server)[0] == 200


def test_a_client_that_does_not_read_is_dropped(server: PageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_server, "_LIMIT", 1.0)
    server.publish("x" * 50_000_000)
    deaf = connected(server)
    deaf.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
    server.publish("one 1\n# EOF\n")
    assert ask(server)[0] == 200
    deadline = time.monotonic() + 10
    while server._clients and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not server._clients
    deaf.close()


def test_more_clients_than_it_serves_are_refused_and_leave_nothing(server: PageServer) -> None:
    before = open_descriptors()
    many = [connected(server) for _ in range(3 * page_server._MOST)]
    for one in many:
        one.close()
    assert ask(server)[0] == 200
    deadline = time.monotonic() + 10
    while open_descriptors() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert open_descriptors() <= before


def test_it_closes_everything() -> None:
    before, threads = open_descriptors(), threading.active_count()
    for publishes in (True, False):
        found = PageServer("localhost:0")
        if publishes:
            found.publish("x")
        found.close()
    assert (open_descriptors(), threading.active_count()) == (before, threads)


def test_a_unix_socket_is_private_and_goes_with_the_server(tmp_path: Path) -> None:
    path = tmp_path / "watch.sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()  # as a killed watch leaves it
    found = PageServer(f"unix:{path}")
    found.publish("one 1\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    with pytest.raises(UsageError, match="cannot listen"):
        PageServer(f"unix:{path}")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert client.recv(1000).endswith(b"one 1\n")
    found.close()
    assert not path.exists()


def test_a_file_is_no_socket_to_replace(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("hello")
    with pytest.raises(UsageError, match="cannot listen"):
        PageServer(f"unix:{path}")
    assert path.read_text() == "hello"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("0.0.0.0:9123", "--public"),
        ("[::]:9123", "--public"),
        ("10.1.2.3:9123", "--public"),
        ("example.org:80", "not an address"),
        ("9123", "not an address"),
        ("127.0.0.1:x", "not an address"),
        ("127.0.0.1:99999", "not a port"),
        ("unix:/proc/no-such/sock", "cannot listen"),
        (f"unix:{'x' * 200}", "cannot listen"),
    ],
)
def test_other_addresses_are_refused(address: str, said: str) -> None:
    before = open_descriptors()
    with pytest.raises(UsageError, match=said):
        PageServer(address)
    assert open_descriptors() == before
