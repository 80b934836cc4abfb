"""Answer GET requests with the library's http.server, a thread for each; the client is another process.

What a small web service in pure Python does: accept, start a thread, parse a request, answer, close. Each
thread that starts must get the GIL first. Unit: requests. Source: http.server's documentation (ThreadingMixIn);
only the queue of connections is longer than its 5, so that none is refused and tried again after a second.
"""

import threading
import time

try:
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer
    from SocketServer import TCPServer, ThreadingMixIn
except ImportError:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from socketserver import TCPServer, ThreadingMixIn

WORKLOAD = {
    "driver": "service",
    "peer": "http",
    "unit": "requests",
    "parameters": {"rate": 40},
    "threads": [1],
}
POLL = 0.02  # s between two looks at whether to go on


class Handler(BaseHTTPRequestHandler):
    """Sends back the number in the path."""

    def do_GET(self):  # noqa: N802 - the library's name
        """Answer one request."""
        number = self.path[1:]
        if number == "stop":
            self.server.more = False
        else:
            with self.server.counter:
                self.server.served += 1
        body = (number + "\n").encode("ascii")
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Be quiet."""


class Server(ThreadingMixIn, HTTPServer):
    """A thread for each connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    timeout = POLL

    def server_bind(self):
        """As HTTPServer, which asks the name service who we are."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def handle_error(self, request, client_address):
        """Be quiet about a client that has lost patience."""


def listen(parameters):
    server = Server(("127.0.0.1", 0), Handler)
    server.counter = threading.Lock()
    return server, list(server.server_address)


def serve(server):
    threads = threading.active_count()
    server.served, server.more = 0, True
    while server.more:
        server.handle_request()
    deadline = time.time() + 2
    while threading.active_count() > threads and time.time() < deadline:
        time.sleep(0.001)
    return server.served
