"""What the kernel counts for a program."""

from __future__ import annotations

import select
import subprocess
import sys
import time
from pathlib import Path

from gilbench.host.process import Program
from gilbench.observe.program_counts import ProgramCounts, ThreadCounts
from gilbench.observe.running import RunningPython

THREADS = """
import threading, time
def spin():
    while time.thread_time() < 0.2: pass
for _ in range(3):
    t = threading.Thread(target=spin); t.start(); t.join()
print("spun", flush=True)
time.sleep(60)
"""


def python(pid: int, *, held: bool = False) -> RunningPython:
    return RunningPython(pid=pid, executable=sys.executable, code=Path(sys.executable), held=held)


def test_threads_that_have_ended_stay_in_the_sums() -> None:
    with subprocess.Popen([sys.executable, "-c", THREADS], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        counts = ProgramCounts(python(program.pid))
        try:
            while not select.select([program.stdout], [], [], 0.02)[0]:
                counts.tick()
            limit = time.monotonic() + 20
            while (
                len(counts._living) != 1 and time.monotonic() < limit
            ):  # the kernel ends a thread after its join
                counts.tick(now=True)
        finally:
            program.kill()
    assert counts.cpu is not None
    assert 0.5 < counts.cpu <= counts.counted
    assert len(counts._living) == 1
    assert len(counts._ended) >= 2
    assert sum(counts.switches) > 0


def test_a_program_that_waited_for_its_start_does_not_count_what_was_before() -> None:
    ballast = bytearray(96 << 20)
    program = Program([sys.executable, "-S", "-c", "x = 3"])
    counts = ProgramCounts(python(program.pid, held=True))
    program.let_go()
    while program.poll() is None:
        time.sleep(0.005)
    counts.finish(program)
    program.end()
    assert ballast
    assert program.rusage is not None
    assert program.rusage.ru_maxrss > 90 << 10, "the kernel counts the copy of us"
    assert counts.peak is None or counts.peak < 60 << 20
    assert counts.cpu is not None
    assert 0 < counts.cpu <= program.rusage.ru_utime + program.rusage.ru_stime + 0.02


def test_another_thread_of_the_same_number_starts_from_nothing() -> None:
    assert ThreadCounts(1.0, 5, 1).since(ThreadCounts(2.0, 9, 1)) == ThreadCounts(1.0, 5, 1)
    assert ThreadCounts(3.0, 9, 2).since(ThreadCounts(2.0, 5, 1)) == ThreadCounts(1.0, 4, 1)
