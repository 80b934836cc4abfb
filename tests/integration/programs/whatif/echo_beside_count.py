"""I/O beside computing: two threads pass a byte to and fro while a third one counts."""

import socket
import threading


def count(steps: int) -> None:
    while steps > 0:
        steps -= 1


def answer(end: socket.socket) -> None:
    while byte := end.recv(1):
        end.sendall(byte)


def ask(end: socket.socket, times: int) -> None:
    for _ in range(times):
        end.sendall(b"x")
        end.recv(1)
    end.close()


def main() -> None:
    ours, theirs = socket.socketpair()
    threads = [
        threading.Thread(target=count, args=(20_000_000,)),
        threading.Thread(target=answer, args=(theirs,)),
        threading.Thread(target=ask, args=(ours, 60)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
