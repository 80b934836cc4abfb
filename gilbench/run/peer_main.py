"""The load generator: a client or a sender of signals. ``python -m gilbench.run.peer_main REQUESTS REPLIES``.

It uses the protocol of the workers, and serves every interpreter alike. To start fast, it imports only the standard
library and is started without ``site``.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import time
import zlib
from collections.abc import Sequence
from typing import Any

from gilbench.run.peer_links import LINKS, Link, pipes

WARM_UP = 3  # round trips before the clock starts
_PR_SET_TIMERSLACK = 29  # prctl(2); 1 ns instead of 50 µs, so that requests are sent on time


def serve(request: dict[str, Any]) -> dict[str, Any]:
    """Run a closed-loop phase and then an open-loop phase on one link.

    Closed loop: ``depth`` pending requests at any time, for ``closed`` s. Open loop: one request at each moment of
    ``schedule``, in s from the start of the phase, which is ``open`` s long. Latency is measured from the scheduled
    time, even if earlier requests are late (no coordinated omission). At its end, pending answers have ``patience`` s.
    """
    link = LINKS[request["link"]](request)
    try:
        for number in range(WARM_UP):
            link.send(number)
            while not link.answers():
                pass
        closed = _closed_loop(link, WARM_UP, request["closed"], request["depth"])
        number = WARM_UP + closed["sent"]
        latencies = _open_loop(link, number, request["schedule"], request["open"], request["patience"])
        link.finish()
    finally:
        link.close()
    offered = len(request["schedule"])
    return {
        "operations": closed["operations"],
        "window": closed["window"],
        "latencies": latencies,
        "offered": offered,
        "requests": number + offered,
    }


def _closed_loop(link: Link, number: int, seconds: float, depth: int) -> dict[str, Any]:
    if seconds <= 0:
        return {"sent": 0, "operations": 0, "window": 0.0}
    first, answered, counted = number, 0, 0
    started = moment = time.monotonic()
    until = started + seconds
    for _ in range(depth):
        link.send(number)
        number += 1
    while answered < number - first:
        for _ in link.answers():
            answered += 1
            if moment < until:
                moment = time.monotonic()
                counted += 1
                if moment < until:
                    link.send(number)
                    number += 1
    return {"sent": number - first, "operations": counted, "window": moment - started}


def _open_loop(
    link: Link, number: int, schedule: Sequence[float], seconds: float, patience: float
) -> list[float]:
    """Return the latencies of what was answered within ``patience`` s of the end, in the order of the schedule."""
    latencies: dict[int, float] = {}
    waiting: dict[int, float] = {}
    start = time.monotonic()
    end = start + seconds
    coming = iter([start + offset for offset in schedule])
    due = next(coming, None)
    while True:
        moment = time.monotonic()
        if due is not None and moment >= due:
            link.send(number)
            waiting[number] = due
            number += 1
            due = next(coming, None)
            continue
        if due is None and (not waiting or moment >= end + patience):
            break
        if link.wait((end + patience if due is None else due) - moment):
            answers = link.answers()
            arrived = time.monotonic()
            latencies.update((answer, arrived - waiting.pop(answer)) for answer in answers)
    return [latencies[answer] for answer in sorted(latencies)]


def signals(request: dict[str, Any]) -> dict[str, Any]:
    """Send a signal at each moment of ``schedule``, in s from now, and return the times at which they were sent."""
    number = getattr(signal, request["signal"])
    start = time.monotonic()
    sent = []
    for offset in request["schedule"]:
        time.sleep(max(0.0, start + offset - time.monotonic()))
        sent.append(time.monotonic())
        os.kill(request["pid"], number)
    return {"sent": sent}


def main() -> None:
    """Serve requests until gilbench ends."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    known = {"serve": serve, "signals": signals, "pipes": pipes}
    with open(int(sys.argv[1])) as requests, open(int(sys.argv[2]), "w") as replies:
        for line in requests:
            request = json.loads(line)
            if request["do"] == "stop":
                return
            try:
                answer = {"ok": known[request["do"]](request)}
            except (OSError, ValueError, LookupError, zlib.error) as error:
                answer = {"error": {"kind": "peer", "message": f"{type(error).__name__}: {error}"}}
            replies.write(json.dumps(answer) + "\n")
            replies.flush()


if __name__ == "__main__":
    main()
