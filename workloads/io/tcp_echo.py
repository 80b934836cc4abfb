"""Echo single bytes over one TCP connection on loopback; the client is another process.

Each request is two system calls that release the GIL, recv and send, and next to no work in between: the
most sensitive program there is to how fast the GIL comes back. Unit: requests. Source: bpo-7946 and
tenthousandmeters.com, part 13.
"""

import socket

WORKLOAD = {
    "core": True,
    "driver": "service",
    "peer": "tcp",
    "unit": "requests",
    "parameters": {"rate": 40},
    "threads": [1],
}


def listen(parameters):
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.bind(("127.0.0.1", 0))
    server.listen(1)
    return server, list(server.getsockname())


def serve(server):
    connection, _ = server.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    served = 0
    try:
        while True:
            byte = connection.recv(1)
            if not byte:
                return served
            connection.send(byte)
            served += 1
    except EnvironmentError:  # a client that has lost patience
        return served
    finally:
        connection.close()
