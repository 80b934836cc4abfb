from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
from interpreters_fixture import absent

# sched_getattr(2) gives back the slice since Linux 6.12.
SLICE = """
import ctypes, os, struct, sys
from gilbench.observe.prompt import run_promptly
from gilbench.observe.architecture import syscall_names
syscall_names(os.uname().machine)  # another user may not read the table
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
run_promptly()
attributes = ctypes.create_string_buffer(48)
assert ctypes.CDLL(None).syscall(int(sys.argv[1]), 0, attributes, 48, 0) == 0
print(os.sched_getscheduler(0), struct.unpack("=IIQiIQQQ", attributes)[5])
"""
GETATTR = {"x86_64": 315, "aarch64": 275}


def test_a_thread_of_root_runs_before_others_and_its_children_do_not() -> None:
    from gilbench.observe.prompt import run_promptly  # noqa: PLC0415 - beside the thread that uses it

    seen: list[int] = []

    def work() -> None:
        run_promptly()
        seen.append(os.sched_getscheduler(0))
        ask = [sys.executable, "-c", "import os; print(os.sched_getscheduler(0))"]
        seen.append(int(subprocess.run(ask, capture_output=True, check=True).stdout))

    if os.getuid():
        absent("not root")
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.SCHED_OTHER]
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_without_rights_a_thread_asks_for_short_slices() -> None:
    if tuple(map(int, os.uname().release.split(".")[:2])) < (6, 12):
        pytest.skip("slices cannot be chosen before Linux 6.12")
    number = str(GETATTR[os.uname().machine])
    done = subprocess.run([sys.executable, "-c", SLICE, number], capture_output=True, text=True, check=False)
    assert done.stdout.split() == [str(os.SCHED_OTHER), "100000"], done.stderr
