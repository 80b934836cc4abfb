"""The loop of the workload ``countdown`` with nothing around it: ``bench.py harness`` compares a worker with it.

It rides in a train with a worker, so that both run on the same CPU within milliseconds. But it works for longer when it
has its turn: first untimed, then for some pieces, with only a read of the clock between them. So it shows the loop as
if it ran alone. The answer is that of a worker, with the length of each piece by turn.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

UNTIMED, PIECES = 3, 5  # of the length of a worker's slice


def countdown(n: int) -> int:
    """Count down to zero, as the workload does."""
    while n > 0:
        n -= 1
    return n


def main(reader: int, writer: int) -> None:
    """Serve until told to stop."""
    with open(reader) as requests, open(writer, "w") as replies:
        for line in requests:
            request = json.loads(line)
            if request["do"] == "stop":
                return
            replies.write(json.dumps({"ok": ride(request)}) + "\n")
            replies.flush()


def ride(request: dict[str, Any]) -> dict[str, Any]:
    """Serve the slices of one train; see ``gilbench/target/train.py``."""
    start, loops = request["start"], request["loops"]
    tokens = os.open(request["fifos"][request["own"]], os.O_RDONLY)
    others = [os.open(path, os.O_WRONLY) for path in request["fifos"]]
    taken, began, ended, pieces = [], [], [], []
    for following in request["next"]:
        os.read(tokens, 1)
        taken.append(time.monotonic())
        for _ in range(UNTIMED):
            measure(start, loops)
        began.append(time.monotonic())
        pieces.append([measure(start, loops) for _ in range(PIECES)])
        ended.append(time.monotonic())
        if following is not None:
            os.write(others[following], b"t")
    for descriptor in (tokens, *others):
        os.close(descriptor)
    return {
        "loops": PIECES * loops,
        "taken": taken,
        "began": began,
        "ended": ended,
        "cpu": [0.0] * len(taken),
        "checksum": "0",
        "gil_enabled": [True, True],
        "pieces": pieces,
    }


def measure(start: int, times: int) -> float:
    """Return the seconds of some countdowns."""
    repeat = range(times)
    began = time.monotonic()
    for _ in repeat:
        countdown(start)
    return time.monotonic() - began


threading.Thread(target=main, args=(int(sys.argv[1]), int(sys.argv[2]))).start()
