"""A service of several threads, and its open-loop client, for ``bench_watch.py``; standard library only.

    python watched_service.py serve THREADS        prints its port, then serves until its stdin closes
    python watched_service.py load PORT THREADS RATE

A client reads lines from its stdin; for each, it prints one line of JSON: what it sent and the latencies since the last
line, in s from the scheduled moment of a request to its answer. Requests have random gaps.
"""

from __future__ import annotations

import json
import random
import select
import socket
import sys
import threading
import time
from collections import deque

SIZE = 256  # B of a request and of its answer
LOOPS = 1500  # of Python code in a request: about 0.1 ms


def answer(request: bytes) -> bytes:
    """Do some work, as a service does: parse, compute, write."""
    asked = json.loads(request.rstrip(b"\0"))
    total = 0
    for number in range(LOOPS):
        total += number * asked["id"]
    return json.dumps({"id": asked["id"], "total": total}).encode().ljust(SIZE, b"\0")


def serve_one(connection: socket.socket) -> None:
    """Answer the requests of one connection."""
    while request := connection.recv(SIZE, socket.MSG_WAITALL):
        connection.sendall(answer(request))


def serve(threads: int) -> None:
    """Accept one connection for each thread."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=threads)
    print(listener.getsockname()[1], flush=True)
    for number in range(threads):
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve_one, args=(connection,), name=f"serve-{number}", daemon=True).start()
    sys.stdin.read()


def load(port: int, threads: int, rate: float) -> None:
    """Send requests on schedule, one connection after the other."""
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(threads)]
    waiting: dict[socket.socket, deque[float]] = {}
    for one in connections:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting[one] = deque()
    latencies: list[float] = []
    gaps = random.Random(1)
    due, sent = time.perf_counter(), 0
    while True:
        ready, _, _ = select.select([sys.stdin, *connections], [], [], max(due - time.perf_counter(), 0.0))
        now = time.perf_counter()
        for one in [one for one in connections if one in ready]:
            if not one.recv(SIZE, socket.MSG_WAITALL):
                return
            latencies.append(now - waiting[one].popleft())
        if sys.stdin in ready:
            if not sys.stdin.readline():
                return
            latencies.sort()
            print(json.dumps({"count": len(latencies), "sent": sent, "latencies": latencies}), flush=True)
            latencies, sent = [], 0
            due = max(due, time.perf_counter())
        while due <= now:
            connection = connections[sent % threads]
            waiting[connection].append(due)
            connection.sendall(json.dumps({"id": sent}).encode().ljust(SIZE, b"\0"))
            sent += 1
            due += gaps.expovariate(rate)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        load(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
