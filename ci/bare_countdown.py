"""The loop of the workload ``countdown`` with nothing around it: what bench.py holds the harness against.

It answers on the two descriptors that it is given, so that its slices can alternate with a worker's. Each request
names a number of countdowns; the answer is how many seconds they took.

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
            start, times = request["start"], range(request["times"])
            began = time.monotonic()
            for _ in times:
                countdown(start)
            replies.write(json.dumps({"ok": {"seconds": time.monotonic() - began}}) + "\n")
            replies.flush()


threading.Thread(target=main, args=(int(sys.argv[1]), int(sys.argv[2]))).start()
