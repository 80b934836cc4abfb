"""What the measured interpreter says of itself while it runs."""

import os
import sys
import threading
import time

JVM = sys.platform.startswith("java")
DOTNET = "IronPython" in sys.version  # its platform is called cli, or as the system is
VIRTUAL_MACHINE = JVM or DOTNET  # which has threads of its own, and no GIL


def gil_enabled():
    """Whether a GIL is in force at this moment."""
    if hasattr(sys, "_is_gil_enabled"):
        return bool(sys._is_gil_enabled())
    return not VIRTUAL_MACHINE


def set_switch_interval(seconds):
    """Ask for a switch interval; Python 2 counts ticks instead, and 1 000 of them stand for 1 ms."""
    try:
        if hasattr(sys, "setswitchinterval"):
            sys.setswitchinterval(seconds)
        elif hasattr(sys, "setcheckinterval"):
            sys.setcheckinterval(max(1, int(seconds * 1e6)))
    except NotImplementedError:  # IronPython has the function, and threads that run side by side
        pass


def switch_interval():
    """Seconds, or None where there is no such thing."""
    try:
        return sys.getswitchinterval()
    except (AttributeError, NotImplementedError):
        return None


def check_interval():
    """Ticks between two releases of the old GIL, or None where there is none."""
    if hasattr(sys, "getswitchinterval") or not hasattr(sys, "getcheckinterval"):
        return None
    try:
        return sys.getcheckinterval()
    except NotImplementedError:
        return None


def thread_id():
    """The kernel's number of the calling thread, or None where it cannot be had."""
    try:
        with open("/proc/thread-self/stat") as stat:
            return int(stat.read().split()[0])
    except (EnvironmentError, IndexError, ValueError):
        return None


def thread_count():
    """Threads of this process by the kernel; on a virtual machine, which has some of its own, those of Python."""
    if VIRTUAL_MACHINE or not os.path.isdir("/proc/self/task"):
        return threading.active_count()
    return len(os.listdir("/proc/self/task"))


def child_count():
    """Child processes of this process, also ended ones that nobody has waited for; 0 where it cannot be known."""
    count = 0
    try:
        for task in os.listdir("/proc/self/task"):
            with open("/proc/self/task/%s/children" % task) as children:
                count += len(children.read().split())
    except EnvironmentError:  # no such file, or a thread that has just ended
        pass
    return count


def threads_beyond(count, patience=0.2):
    """How many threads there are more than ``count``; ones that are just ending get a moment to do so."""
    deadline = time.time() + patience
    while thread_count() > count and time.time() < deadline:
        time.sleep(0.005)
    return max(0, thread_count() - count)
