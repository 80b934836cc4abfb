from __future__ import annotations

import subprocess
import time

import psutil
import pytest
from interpreters_fixture import interpreter
from sessions import run_session

from gilbench.observe.cpu import CpuObserver
from gilbench.observe.stacks import StacksObserver
from gilbench.plan.axes import Axes
from gilbench.plan.catalogue import catalogue

SLEEPER = """
import os, sys, time
sys.stdin.readline()
for _ in range(50):
    time.sleep(0.01)
file = os.open("/dev/zero", os.O_RDONLY)
for _ in range(200):
    os.read(file, 1)
block = bytearray(64 << 20)
sys.stdout.write("done\\n"); sys.stdout.flush()
sys.stdin.readline()
"""


def test_the_kernels_counts_of_a_known_program_come_out() -> None:
    with subprocess.Popen(
        [interpreter("3.13").executable, "-c", SLEEPER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        time.sleep(0.2)
        observer = CpuObserver(child.pid)
        child.stdin.write("go\n")
        child.stdin.flush()
        assert child.stdout.readline() == "done\n"
        reading = observer.finish(1.0)
        child.stdin.write("end\n")
        child.stdin.close()
    assert reading.unavailable is None
    assert 50 <= reading.figures["voluntary_switches"] <= 80
    assert 200 <= reading.figures["read_calls"] <= 210
    assert 1 <= reading.figures["write_calls"] <= 5
    assert 64 << 20 < reading.figures["memory_peak"] < 200 << 20


def test_a_process_that_has_gone_gives_no_figures() -> None:
    with subprocess.Popen(["true"]) as child:
        observer = CpuObserver(child.pid)
    reading = observer.finish(1.0)
    assert reading.figures == {}
    assert reading.unavailable is not None


def test_py_spy_names_the_thread_and_the_function_that_hold_the_gil() -> None:
    axes = Axes(threads=(1,), observers=("stacks",))
    plan, runs = run_session([catalogue()["countdown"]], [interpreter("3.11")], axes)
    (observed,) = [run for run in runs if plan.cases[run.case].observers]
    (reading,) = [reading for reading in observed.readings if reading.observer == "stacks"]
    assert reading.unavailable is None
    assert 0.5 < reading.figures["gil_held"] < 1.5
    assert reading.threads[0].name == "worker-0"
    assert "operation (countdown.py" in reading.functions[0].name


@pytest.mark.parametrize("spec", ["3.13t", "pypy"])
def test_what_py_spy_cannot_read_is_unavailable_with_its_reason(spec: str) -> None:
    axes = Axes(threads=(1,), observers=("stacks",))
    plan, runs = run_session([catalogue()["countdown"]], [interpreter(spec)], axes)
    (observed,) = [run for run in runs if plan.cases[run.case].observers]
    (reading,) = [reading for reading in observed.readings if reading.observer == "stacks"]
    assert reading.figures == {}
    assert reading.unavailable is not None
    assert "py-spy cannot read" in reading.unavailable


def test_a_sampler_of_a_process_that_is_not_there_leaves_nothing() -> None:
    with subprocess.Popen(["true"]) as child:
        pass
    observer = StacksObserver(child.pid)
    assert observer.finish(1.0).unavailable is not None
    assert not [one for one in psutil.Process().children() if "py-spy" in " ".join(one.cmdline())]
