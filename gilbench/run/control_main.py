"""What the host gives without a measured interpreter: ``python control_main.py REQUESTS REPLIES``.

It uses the protocol of the workers. To start fast, it imports only the standard library and is started without
``site``.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

_BASE, _POWER, _MODULUS = 3, (1 << 255) - 19, (1 << 521) - 1
"""pow() of these numbers takes a fraction of a millisecond in C. It needs the CPU, but hardly any memory."""
_HEAD_START = 0.002  # s until all processes are ready to begin together
_EACH = 0.0005  # s more for each process
_PAUSE = 0.001  # s, the timer


def speedup(cpus: Sequence[int], seconds: float) -> float:
    """Return how many times as much as one process some processes compute, each on one CPU.

    One process is measured before and after all processes, so that drift cancels out.
    """
    before = sum(_rates(cpus[:1], seconds))
    together = sum(_rates(cpus, seconds))
    after = sum(_rates(cpus[:1], seconds))
    return 2 * together / (before + after)


def lateness(cpu: int, count: int) -> float:
    """Return the median time by which a timer of 1 ms is late on a CPU, in seconds."""
    os.sched_setaffinity(0, [cpu])
    late = []
    for _ in range(count):
        due = time.monotonic() + _PAUSE
        time.sleep(_PAUSE)
        late.append(max(0.0, time.monotonic() - due))
    return statistics.median(late)


def _rates(cpus: Sequence[int], seconds: float) -> list[float]:
    """Compute in one process on each CPU, all at the same time. Return the operations per second of each."""
    begin = time.monotonic() + _HEAD_START + _EACH * len(cpus)
    children = [_start(cpu, begin, seconds) for cpu in cpus]
    rates = []
    for pid, descriptor in children:
        with os.fdopen(descriptor) as answer:
            rates.append(float(answer.read() or "nan"))
        os.waitpid(pid, 0)
    return rates


def _start(cpu: int, begin: float, seconds: float) -> tuple[int, int]:
    """Start a process that computes. Return its PID, and the descriptor that its rate can be read from."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    status = 1
    try:
        os.sched_setaffinity(0, [cpu])
        time.sleep(max(0.0, begin - time.monotonic()))
        os.write(writing, repr(_compute(begin + seconds)).encode())
        status = 0
    finally:
        os._exit(status)


def _compute(end: float) -> float:
    clock, done, began = time.monotonic, 0, time.monotonic()
    now = began
    while now < end:
        pow(_BASE, _POWER, _MODULUS)
        done += 1
        now = clock()
    return done / (now - began) if now > began else float("nan")


def _answer(request: dict[str, Any]) -> dict[str, float | None]:
    if request["do"] == "speedup":
        found = speedup(request["cpus"], request["seconds"])
        return {"speedup": found if math.isfinite(found) else None}
    return {"lateness": lateness(request["cpu"], request["count"])}


def main() -> None:
    """Answer requests until gilbench ends."""
    with open(int(sys.argv[1])) as requests, open(int(sys.argv[2]), "w") as replies:
        for line in requests:
            request = json.loads(line)
            if request["do"] == "stop":
                return
            answer: dict[str, Any]
            try:
                answer = {"ok": _answer(request)}
            except (OSError, ValueError) as error:
                answer = {"error": {"kind": "control", "message": f"{type(error).__name__}: {error}"}}
            replies.write(json.dumps(answer) + "\n")
            replies.flush()


if __name__ == "__main__":
    main()
