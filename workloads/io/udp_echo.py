"""Echo datagrams of 1 kB over UDP on loopback, in lock-step; the client is another process.

As ``tcp_echo``, with no connection and more bytes: two system calls that release the GIL, next to no work
between them. Unit: requests. Source: the "bandwidth" test of ccbench (A. Pitrou, CPython's Tools/ccbench).
"""

import socket

WORKLOAD = {
    "driver": "service",
    "peer": "udp",
    "unit": "requests",
    "parameters": {"size": 1024, "rate": 40},
    "threads": [1],
}
END = b"end"  # a datagram may be lost, so the client repeats it until it comes back


def listen(parameters):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    return server, list(server.getsockname())


def serve(server):
    client, served = None, 0
    while True:
        data, address = server.recvfrom(65536)
        server.sendto(data, address)
        if data != END:
            client = address
            served += 1
        elif address == client:  # not one that an earlier client has sent twice
            return served
