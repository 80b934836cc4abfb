"""Threads that know for how long they held the GIL and waited for it: prints one JSON object, for 2.7 to today.

gil_truth.py MODE THREADS HOLD SECONDS [PAUSE]

Each thread repeats a hold of HOLD seconds and a pause outside the GIL. The interpreter is told to switch never
by itself, so a thread holds from its return out of a pause to the next pause. It waits from the end of the
pause, by the length that the pause has when nobody else wants the GIL.

MODE is what stands between: sleep; c (as sleep, and the hold is a call in C that keeps the GIL asleep); hash
(of a megabyte; on 2.7, whose hashes may keep the GIL, a checksum that does not); io (a byte through a pipe). The
length of the last two is by the thread's clock. It includes what it takes to wake up a thread that wants the GIL.

"unknown" is by how much a figure may be off: the seconds in which a thread could have run and no CPU was free for it,
and those in which it started, since it does not know how long it waited then.
"""

import ctypes
import hashlib
import json
import os
import sys
import threading
import time
import zlib

LIBC = ctypes.PyDLL(None)  # keeps the GIL
GETTID = 186  # x86-64
TIMER_SLACK = 29  # prctl: a sleep that ends when it should
TRIED = 51
START = 0.1  # s until all threads are there
CLOCK = getattr(time, "monotonic", time.time)
THREAD_CPUTIME = 3  # clock_gettime


class Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


def cpu():
    """Seconds that this thread was on a CPU."""
    now = Timespec()
    LIBC.clock_gettime(THREAD_CPUTIME, ctypes.byref(now))
    return now.seconds + now.nanoseconds * 1e-9


def hold(mode, seconds):
    if mode == "c":
        LIBC.usleep(int(seconds * 1e6))
        return
    until = CLOCK() + seconds
    while CLOCK() < until:
        pass


def pause(mode, seconds, block, ends):
    """Leave the GIL; when, until when, and the length that this should have."""
    before = cpu()
    went = CLOCK()
    if mode in ("sleep", "c"):
        time.sleep(seconds)
        return went, CLOCK(), seconds
    if mode == "io":
        os.write(ends[1], b"x")
        os.read(ends[0], 1)
    elif sys.version_info[0] == 2:
        zlib.compress(block)
    else:
        hashlib.sha256(block)
    now = CLOCK()
    return went, now, cpu() - before


def delayed(tid):
    """Seconds in which a thread could have run and no CPU was free for it: no wait for the GIL."""
    # Not open(): on 3.13t, closing a file yields the CPU 80 times with the GIL held (python/cpython#114203).
    counts = os.open("/proc/self/task/%d/schedstat" % tid, os.O_RDONLY)
    try:
        return int(os.read(counts, 100).split()[1]) * 1e-9
    finally:
        os.close(counts)


def overhead(mode, seconds):
    """Seconds that a pause takes longer than it should when nobody else wants the GIL: the median of some."""
    LIBC.prctl(TIMER_SLACK, 1, 0, 0, 0)
    block, ends = b"x" * (1 << 20), os.pipe()
    longer = []
    for _ in range(TRIED):
        went, now, length = pause(mode, seconds, block, ends)
        longer.append(now - went - length)
    return sorted(longer)[TRIED // 2]


def run(mode, held_for, seconds, paused_for, longer, start, results):
    LIBC.prctl(TIMER_SLACK, 1, 0, 0, 0)
    tid = LIBC.syscall(GETTID)
    block, ends = b"x" * (1 << 20), os.pipe()
    before = delayed(tid)
    there = CLOCK()
    starting = there - threading.current_thread().launched
    time.sleep(max(start - CLOCK(), 0.0))
    came = CLOCK()
    held, waited = 0.0, came - max(start, there)
    while came - start < seconds:
        hold(mode, held_for)
        went, now, length = pause(mode, paused_for, block, ends)
        held += went - came
        waited += max(now - went - length - longer, 0.0)
        came = now
    late = delayed(tid) - before  # it is read, so the GIL is left a last time
    waited += CLOCK() - came
    results[tid] = {"held": held, "wait": waited, "unknown": late + starting}


def main(mode, threads, held_for, seconds, paused_for=0.002):
    if hasattr(sys, "setswitchinterval"):
        sys.setswitchinterval(100.0)
    else:
        sys.setcheckinterval(1 << 30)
    results = {}
    longer = overhead(mode, paused_for)
    arguments = (mode, held_for, seconds, paused_for, longer, CLOCK() + START, results)
    crew = [threading.Thread(target=run, args=arguments) for _ in range(threads)]
    for thread in crew:
        thread.daemon = True
        thread.launched = CLOCK()
        thread.start()
    while any(thread.is_alive() for thread in crew):
        time.sleep(0.05)
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *(float(word) for word in sys.argv[3:]))
