"""Pass single bytes to and fro over two pipes; another process is at the other ends.

The cheapest system calls that make one process wait for another: what a request costs beside the kernel's
work for a socket. Unit: round trips. Source: the "pipe" test of lmbench (L. McVoy, 1996).
"""

import os

from fifos import write

WORKLOAD = {
    "driver": "service",
    "peer": "pipe",
    "unit": "round trips",
    "parameters": {"rate": 40},
    "threads": [1],
}


def serve(pipes):
    requests = os.open(pipes[0], os.O_RDONLY)
    replies = os.open(pipes[1], os.O_WRONLY)
    served = 0
    try:
        while True:
            byte = os.read(requests, 1)
            if not byte:
                return served
            write(replies, byte)
            served += 1
    except EnvironmentError:  # a client that has lost patience
        return served
    finally:
        os.close(requests)
        os.close(replies)
