"""The loop of the workload ``countdown`` with nothing around it: bench.py compares the harness with it.

It answers on the two descriptors that it is given, so that it can alternate with a worker. Each request names the
seconds of all countdowns together, and those between two reads of the clock; the answer is the time of one countdown in
each such piece.

The loop runs in a thread, as a workload's does.
"""

from __future__ import annotations

import json
import sys
import threading
import time


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
            start, times = request["start"], 1
            while measure(start, times) * times < request["piece"]:
                times += 1
            pieces = max(1, round(request["seconds"] / request["piece"]))
            replies.write(
                json.dumps({"ok": {"times": [measure(start, times) for _ in range(pieces)]}}) + "\n"
            )
            replies.flush()


def measure(start: int, times: int) -> float:
    """Return the seconds of one countdown."""
    repeat = range(times)
    began = time.monotonic()
    for _ in repeat:
        countdown(start)
    return (time.monotonic() - began) / times


threading.Thread(target=main, args=(int(sys.argv[1]), int(sys.argv[2]))).start()
