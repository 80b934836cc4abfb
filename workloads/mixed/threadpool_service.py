"""A small service: a job in JSON comes in, one of N threads computes, the answer goes out compressed.

What threads are used for most, with its parts in their usual mixture: parsing and writing JSON and the
computation hold the GIL, zlib and the socket release it. The client keeps ``depth`` jobs under way, then sends
``rate`` a second on a schedule, and checks every answer. The threads of the case are those of the pool. Unit: jobs.
Source: the usual thread pool behind a socket, as in the library's concurrent.futures.
"""

import json
import socket
import struct
import threading
import zlib

try:
    from Queue import Queue
except ImportError:
    from queue import Queue

WORKLOAD = {
    "driver": "service",
    "peer": "jobs",
    "unit": "jobs",
    "parameters": {"depth": 8, "rate": 40, "steps": 50, "items": 100},
}


class Pool(object):
    """N threads that answer jobs.

    Args:
        threads: How many.
    """

    def __init__(self, threads):
        self.jobs = Queue()
        self.sending = threading.Lock()
        for _ in range(threads):
            thread = threading.Thread(target=self.work)
            thread.daemon = True
            thread.start()

    def work(self):
        """Answer one job after the other."""
        while True:
            connection, line, done = self.jobs.get()
            try:
                answer = answer_to(line)
                with self.sending:
                    connection.sendall(answer)
            except EnvironmentError:  # a client that has lost patience
                pass
            finally:
                done.put(line)


def answer_to(line):
    job = json.loads(line.decode("ascii"))
    items, state = [], job["seed"]
    for _ in range(job["items"]):
        for _ in range(job["steps"]):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        items.append(state)
    text = json.dumps({"id": job["id"], "items": items})
    body = zlib.compress(text.encode("ascii"))
    return struct.pack("!I", len(body)) + body


def listen(parameters):
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.bind(("127.0.0.1", 0))
    server.listen(1)
    return (server, Pool(parameters["threads"])), list(server.getsockname())


def serve(state):
    server, pool = state
    connection, _ = server.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    lines, done, served = connection.makefile("rb"), Queue(), 0
    try:
        while True:
            line = lines.readline()
            if not line:
                break
            pool.jobs.put((connection, line, done))
            served += 1
    except EnvironmentError:  # a client that has lost patience
        pass
    for _ in range(served):
        done.get()
    lines.close()
    connection.close()
    return served
