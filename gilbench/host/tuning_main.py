"""Resets the system when gilbench ends, however it ends: ``python tuning_main.py CONTROL COMMAND ...``.

It writes ``ready`` to the socket CONTROL, waits until gilbench closes its end, and becomes COMMAND.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)


def main(descriptor: str, *command: str) -> None:
    """Wait, and run the command."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, 0, 0, 0, 0)  # the kernel must not kill it with gilbench
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=int(descriptor)) as control:
        control.sendall(b"ready")
        control.recv(1)
    os.execv(command[0], command)  # noqa: S606 - the command is gilbench's own


if __name__ == "__main__":
    main(*sys.argv[1:])
