"""Threads that sleep, with the GIL and without it, so their speedup without the GIL needs no more CPUs.

THREADS HOLD GAP SECONDS INTERVAL: each thread holds the GIL for HOLD s and then sleeps for GAP s. With the GIL, this
goes on for about SECONDS. Without it, each thread takes its own holds and gaps.
"""

import ctypes
import sys
import threading
import time


def work(rounds: int, hold: float, gap: float) -> None:
    keep = ctypes.PyDLL(None).usleep
    microseconds = round(hold * 1e6)
    for _ in range(rounds):
        keep(microseconds)
        if gap:
            time.sleep(gap)


def main() -> None:
    count = int(sys.argv[1])
    hold, gap, seconds, interval = map(float, sys.argv[2:])
    sys.setswitchinterval(interval)
    rounds = round(seconds / max(count * hold, hold + gap))
    threads = [threading.Thread(target=work, args=(rounds, hold, gap)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
