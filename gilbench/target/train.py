"""A worker's part of a train: short slices that the workers of a block serve in turn.

A byte in a worker's own FIFO is the token. Whoever holds it serves one slice and hands it on, so one worker runs at a
time, and none waits for gilbench.
"""

import os

from clocks import now, thread_cpu
from fifos import write
from spinning import CHUNK

TOKEN = b"t"  # any other byte ends the train


def serve(work, request):
    """Serve the slices of one worker on the calling thread, and return what the train's record needs.

    The request has the paths of all ``fifos``, the index of its ``own``, and for each of its slices whose turn is
    ``next`` (None: the train ends). A slice lasts about ``seconds``. Before it, the operation is repeated for ``lead``
    seconds that are not timed: the workers that had the token before have emptied the caches.
    """
    loops, lead = (int(round(work.loops * request[key] / CHUNK)) for key in ("seconds", "lead"))
    chunk, local, loops = work._chunk, work.locals[0], max(1, loops)
    reader = os.open(request["fifos"][request["own"]], os.O_RDONLY)
    writers = [os.open(path, os.O_WRONLY) for path in request["fifos"]]
    taken, began, ended, cpu = [], [], [], []
    try:
        for following in request["next"]:
            if os.read(reader, 1) != TOKEN:
                return {"stopped": True}
            taken.append(now())
            chunk(local, lead)
            used = thread_cpu()
            began.append(now())
            left_out = chunk(local, loops)
            ended.append(now() - left_out)
            cpu.append(thread_cpu() - used)
            if following is not None:
                write(writers[following], TOKEN)
    finally:
        for descriptor in [reader] + writers:
            os.close(descriptor)
    return {
        "loops": loops * work.weight,
        "taken": taken,
        "began": began,
        "ended": ended,
        "cpu": cpu,
        "checksum": str(work.expected),
    }
