"""Clocks of the measured interpreter, in seconds.

``now()`` is CLOCK_MONOTONIC, which all processes of a host share, and ``thread_cpu()`` the CPU time of the
calling thread. Neither may release the GIL: that would hand it over each time the clock is read.
"""

import sys
import time


def _java():
    from java.lang import System
    from java.lang.management import ManagementFactory

    beans = ManagementFactory.getThreadMXBean()

    def now():
        return System.nanoTime() * 1e-9

    def thread_cpu():
        return beans.getCurrentThreadCpuTime() * 1e-9

    return now, thread_cpu, "CLOCK_MONOTONIC by System.nanoTime"


def _dotnet():
    from System.Diagnostics import Stopwatch
    from System.Threading import Thread

    ticks, tick = Stopwatch.GetTimestamp, 1.0 / Stopwatch.Frequency

    def now():
        return ticks() * tick

    def thread_cpu():
        # Under Mono neither ctypes nor .NET's own classes lead to clock_gettime.
        Thread.Yield()  # without it, the kernel's count is that of its last tick, up to 4 ms ago
        with open("/proc/thread-self/schedstat") as counts:
            return int(counts.read().split()[0]) * 1e-9

    return now, thread_cpu, "CLOCK_MONOTONIC by Stopwatch.GetTimestamp"


def _python3():
    if hasattr(time, "thread_time"):
        thread_cpu = time.thread_time
    else:

        def thread_cpu():
            return time.clock_gettime(time.CLOCK_THREAD_CPUTIME_ID)

    return time.monotonic, thread_cpu, "CLOCK_MONOTONIC by time.monotonic"


def _libc():
    import ctypes

    class Timespec(ctypes.Structure):
        _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]

    # PyDLL, not CDLL: it keeps the GIL during the call.
    gettime = ctypes.PyDLL(None, use_errno=True).clock_gettime
    gettime.argtypes = [ctypes.c_int, ctypes.POINTER(Timespec)]

    def reader(clock):
        # A Timespec for each call: a shared one could be overwritten by another thread.
        def read():
            moment = Timespec()
            gettime(clock, moment)
            return moment.seconds + moment.nanoseconds * 1e-9

        return read

    return reader(1), reader(3), "CLOCK_MONOTONIC by clock_gettime"


def _choose():
    if "IronPython" in sys.version:
        return _dotnet()
    if hasattr(time, "monotonic"):
        return _python3()
    try:
        return _java()
    except ImportError:
        return _libc()


now, thread_cpu, NAME = _choose()
