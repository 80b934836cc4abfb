"""Send 64 KiB over a TCP connection on loopback and receive them: two system calls that release the GIL.

The kernel copies the bytes twice, which takes a processor, and none of it needs the GIL. Each thread holds both ends of
a connection of its own, whose buffers are larger than what is sent, so nothing waits for anybody. Unit: transfers of
64 KiB. Source: D. Beazley, "Inside the Python GIL", 2009 (the GIL is released around blocking calls, whether or not
they block).
"""

import socket

WORKLOAD = {
    "driver": "parallel",
    "unit": "transfers",
    "parameters": {"size": 65536},
    "checksum": "65791",
}
ROOM = 2  # of a buffer, in what is sent at once


def prepare(parameters):
    return parameters["size"]


def local(size, index):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM * size)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    sender = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM * size)
    sender.connect(listener.getsockname())
    receiver, _ = listener.accept()
    listener.close()
    return sender, receiver, bytes(bytearray(range(256)) * (size // 256)), size


def operation(state):
    sender, receiver, data, size = state
    sender.sendall(data)
    left, last = size, 0
    while left:
        piece = receiver.recv(left)
        if not piece:
            raise ValueError("the connection was closed")
        left -= len(piece)
        last = bytearray(piece[-1:])[0]
    return size + last
