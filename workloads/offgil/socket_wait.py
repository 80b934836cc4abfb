"""Wait 2 ms for a datagram that does not come: blocking socket I/O, which releases the GIL meanwhile.

Any number of threads wait side by side, whatever the number of processors, if the call lets go of the GIL. Each has a
UDP socket of its own on loopback, and a timeout. Unit: waits of 2 ms. Source: D. Beazley, "Inside the Python GIL", 2009
(the GIL is released around blocking calls).
"""

import errno
import socket

WORKLOAD = {
    "driver": "parallel",
    "unit": "waits",
    "parameters": {"seconds": 0.002},
    "checksum": "1",
}


def prepare(parameters):
    return parameters["seconds"]


def local(seconds, index):
    waiting = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    waiting.bind(("127.0.0.1", 0))
    waiting.settimeout(seconds)
    return waiting


def operation(waiting):
    try:
        waiting.recv(1)
    except socket.timeout:
        return 1
    except socket.error as error:  # Mono's time-out
        if error.errno != errno.EWOULDBLOCK:
            raise
        return 1
    return 0
