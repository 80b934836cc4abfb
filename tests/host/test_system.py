from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from gilbench import observe
from gilbench.analyse.fitness import fitness
from gilbench.host.steadiness import measure_cpus
from gilbench.host.tuning import read_advice, tuning_advice
from gilbench.interpreters import select
from gilbench.model.machine import Steadiness, TriedObserver
from gilbench.model.study import Build, Host, Interpreter, Noise, Reading
from gilbench.observe import Watch
from gilbench.run.observer_checks import try_observers

HOST = Host(system="Linux", kernel="6.1", machine="x86_64", cpu_model="[red]CPU", cores=2, memory=1 << 33)
STEADY = Steadiness(cpu=0, spread=0.004, taken=0.001, longest=30e-6)
TUNED = """Show the system configuration

System state
============

CPU: use 2 logical CPUs: 0-1
ASLR: Full randomization

Advices
=======

Perf event: Set max sample rate to 1
Linux scheduler: Use isolcpus=<cpu list> kernel parameter to isolate CPUs

Warnings
========

ERROR: At least one operation failed with permission error, retry as root

Run "python -m pyperf system tune" to tune the system configuration to run benchmarks
"""


def test_the_advice_of_pyperf_is_read_and_neither_its_state_nor_its_last_words() -> None:
    assert list(read_advice(TUNED)) == [
        "Perf event: Set max sample rate to 1",
        "Linux scheduler: Use isolcpus=<cpu list> kernel parameter to isolate CPUs",
        "ERROR: At least one operation failed with permission error, retry as root",
    ]
    assert list(read_advice("")) == []


def test_this_pyperf_writes_what_is_read_here() -> None:
    found = tuning_advice()
    assert not [line for line in found if "could not be checked" in line or "=" * 5 in line]
    assert not [line for line in found if line.startswith(("Run ", "CPU: use"))]


def test_nothing_is_imported_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pyperf", "threading", "json", "statistics"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    tuning_advice()
    try_observers(select([sys.executable]).interpreters[0], pytest.fail, {})
    assert not (tmp_path / "imported").exists()


def test_a_fit_machine_is_told_nothing() -> None:
    assert list(fitness(HOST, Noise(load=0.1, steal=0.0, pressure=0.0), [STEADY])) == []


@pytest.mark.parametrize(
    ("noise", "cpus", "said"),
    [
        (Noise(load=1.4), [STEADY], "load average 1.4"),
        (Noise(steal=0.25), [STEADY], "hypervisor takes 25.0%"),
        (Noise(), [], "noisier"),
        (Noise(), [Steadiness(cpu=3, spread=0.3, taken=0.001, longest=1e-5)], "CPU 3 is unstable"),
        (Noise(), [Steadiness(cpu=3, spread=0.01, taken=0.4, longest=1e-2)], "preempted 40.0% of the time"),
    ],
)
def test_each_disturbance_is_one_sentence(noise: Noise, cpus: list[Steadiness], said: str) -> None:
    (sentence,) = fitness(HOST, noise, cpus)
    assert said in sentence


def test_a_loop_sees_that_another_process_takes_its_cpu() -> None:
    allowed = os.sched_getaffinity(0)
    cpu = min(allowed)
    command = [sys.executable, "-c", "while True: pass"]
    os.sched_setaffinity(0, {cpu})
    try:
        with subprocess.Popen(command) as thief:  # inherits the CPU
            try:
                (seen,) = measure_cpus(1.0)
            finally:
                thief.kill()
        assert os.sched_getaffinity(0) == {cpu}
    finally:
        os.sched_setaffinity(0, allowed)
    assert seen.cpu == cpu
    assert seen.taken > 0.15
    assert seen.longest > 0.5e-3


def test_every_cpu_that_may_be_used_is_measured_and_may_be_used_afterwards() -> None:
    allowed = os.sched_getaffinity(0)
    assert [one.cpu for one in measure_cpus(0.02)] == sorted(allowed)
    assert os.sched_getaffinity(0) == allowed


class Fake:
    """An observer that works, if its tool is there."""

    def __init__(self, tool: str | None) -> None:
        self.by = tool
        self.reason = None if tool else "no such tool"

    def finish(self, busy_seconds: float) -> Reading:
        return Reading(
            observer="fake", figures={"busy": busy_seconds} if self.by else {}, unavailable=self.reason
        )


def test_each_observer_is_tried_on_a_program_that_runs() -> None:
    told: list[str] = []
    running: list[bool] = []

    def begin(pid: int, tool: str | None) -> Fake:
        running.append(psutil.Process(pid).is_running())
        return Fake(tool)

    observers = {
        "one": Watch(lambda pid: begin(pid, "a tool"), "this", always=True),
        "two": Watch(lambda pid: begin(pid, None), "that"),
    }
    build = Build(implementation="CPython", version="3.11.0", version_info=(3, 11, 0))
    python = Interpreter(
        name="3.11", executable=sys.executable, binary=sys.executable, build=build, gil_enabled=True
    )
    tried = try_observers(python, told.append, observers)
    assert tried == (
        TriedObserver(observer="one", shows="this", by="a tool"),
        TriedObserver(observer="two", shows="that", by=None, reason="no such tool"),
    )
    assert told == ["one", "two"]
    assert running == [True, True]


def test_every_observer_says_what_it_shows() -> None:
    assert all(watch.shows for watch in observe.OBSERVERS.values())
    assert {name for name, watch in observe.OBSERVERS.items() if watch.always} == {"cpu"}
