"""What runs inside the measured interpreter does without a part of the library that some interpreters lack."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import gilbench

TARGET = Path(gilbench.__file__).parent / "target"
NOT_THERE = "def absent(*_):\n    raise NotImplementedError\n"


def said(code: str, *taken_away: str) -> str:
    """What a new interpreter prints that has lost some names before it imports ours."""
    deleted = "".join(f"import {name.split('.')[0]}\ndel {name}\n" for name in taken_away)
    script = f"import sys\nsys.path.insert(0, {str(TARGET)!r})\n{deleted}{code}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_old_python_reads_the_same_clocks_from_the_c_library() -> None:
    code = """
import time
monotonic, thread_time = time.monotonic, time.thread_time
del time.monotonic
import clocks
before, moment, after = monotonic(), clocks.now(), monotonic()
assert before - 1e-6 <= moment <= after + 1e-6
used = clocks.thread_cpu()
sum(range(1000000))
assert 0 < clocks.thread_cpu() - used <= thread_time()
print(clocks.NAME)
"""
    assert said(code) == "CLOCK_MONOTONIC by clock_gettime"


def test_switch_intervals_that_are_not_implemented_are_none() -> None:
    # As on IronPython 2.7, whose sys has the functions of Python 2.
    code = f"""
{NOT_THERE}
sys.getcheckinterval = sys.setcheckinterval = absent
import facts
facts.set_switch_interval(0.001)
print(facts.switch_interval(), facts.check_interval())
"""
    assert said(code, "sys.getswitchinterval", "sys.setswitchinterval") == "None None"


def test_a_thread_is_known_by_the_kernels_number_without_readlink() -> None:
    code = "import facts, threading\nprint(facts.thread_id() == threading.get_native_id())"
    assert said(code, "os.readlink") == "True"


def test_a_signal_that_an_interpreter_does_not_know_is_one_that_it_lacks() -> None:
    code = """
import types, drivers
workload = types.ModuleType("workload")
workload.await_signals = None
try:
    drivers.Signals(workload, {"signal": "SIGURG"}, 0, (None, None))
except drivers.Unsupported as error:
    print(error)
"""
    assert said(code, "signal.SIGURG") == "the module signal of this interpreter has no SIGURG"


def test_a_count_that_ends_when_threads_meet_in_it_has_lost_numbers() -> None:
    code = """
import itertools
from properties import atomicity
class Ending(object):
    def __init__(self):
        self.calls = 0
    def __iter__(self):
        return self
    def __next__(self):
        self.calls += 1
        if self.calls % 10 == 0:
            raise StopIteration
        return self.calls
itertools.count = Ending
found = atomicity.race("next_count", 1, 1, 0.01)
print(found["wrong"][0] * 10 == found["updates"][0] > 0)
"""
    assert said(code) == "True"


def test_memory_is_read_without_the_size_of_a_page() -> None:
    code = "from properties import footprint\nprint(1 << 20 < footprint.resident() < 1 << 30)"
    assert said(code, "os.sysconf") == "True"
