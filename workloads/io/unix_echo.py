"""Echo single bytes over one Unix socket; the client is another process.

As ``tcp_echo`` without the network's protocols: the shortest way between two processes that is still a
socket, so the share of the GIL in a request is larger. The name is an abstract one that leaves no file behind,
so it needs Linux. Unit: requests. Source: bpo-7946, over another kind of socket.
"""

import os
import socket
from socket import AF_UNIX  # an interpreter that has none is said to lack it

WORKLOAD = {
    "driver": "service",
    "peer": "unix",
    "unit": "requests",
    "parameters": {"rate": 40},
    "threads": [1],
}


def listen(parameters):
    server = socket.socket(AF_UNIX, socket.SOCK_STREAM)
    name = "\0gilbench-%d-%d" % (os.getpid(), id(server))
    server.bind(name)
    server.listen(1)
    return server, name


def serve(server):
    connection, _ = server.accept()
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
