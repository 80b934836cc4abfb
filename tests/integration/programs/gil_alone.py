"""A thread that calls the kernel all the time for a second, and one that sleeps: nobody waits for the GIL."""

import os
import threading
import time

CLOCK = getattr(time, "monotonic", time.time)


def main():
    sleeper = threading.Thread(target=time.sleep, args=(1.2,))
    sleeper.start()
    zeros = os.open("/dev/zero", os.O_RDONLY)
    end = CLOCK() + 1.0
    while CLOCK() < end:
        os.read(zeros, 1)
    sleeper.join()


main()
