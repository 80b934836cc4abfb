from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from commands import error_lines, gilbench
from interpreters_fixture import absent

from gilbench import observe
from gilbench.analyse.fitness import fitness
from gilbench.host.capture import Completed
from gilbench.host.steadiness import measure_cpus
from gilbench.host.tuning import read_sections, tuning_advice
from gilbench.interpreters import select
from gilbench.model.machine import Steadiness, TriedObserver
from gilbench.model.study import Build, Cpu, Host, Interpreter, Noise, Reading
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
    assert list(read_sections(TUNED, frozenset({"Advices", "Warnings", "Errors"}))) == [
        "Perf event: Set max sample rate to 1",
        "Linux scheduler: Use isolcpus=<cpu list> kernel parameter to isolate CPUs",
        "ERROR: At least one operation failed with permission error, retry as root",
    ]
    assert list(read_sections("", frozenset({"Advices"}))) == []


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


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ({"cores": 1, "cpus": (Cpu(number=0, core=0), Cpu(number=1, core=0))}, "the CPUs are siblings"),
        (
            {"cores": 1, "quota": 0.5, "cpus": (Cpu(number=0, core=0), Cpu(number=1, core=1))},
            "within the quota",
        ),
        ({"cores": 1, "cpus": (Cpu(number=4, core=4),)}, "only one core is available,"),
        (
            {"cpus": (Cpu(number=0, core=0, kind=1), Cpu(number=4, core=4), Cpu(number=5, core=5))},
            "only CPUs 4-5 are measured",
        ),
        ({"quota": 1.5}, "a cgroup permits 1.5 CPUs"),
    ],
)
def test_what_the_host_does_not_give_is_told(host: dict[str, Any], words: str) -> None:
    told = list(fitness(msgspec.structs.replace(HOST, **host), Noise(), [STEADY]))
    assert any(words in sentence for sentence in told)


def test_advice_that_a_virtual_machine_cannot_follow_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "Advices\n=======\n\nTurbo Boost: disable it\nPerf event: Set max sample rate to 1\n"
    done = Completed(0, said, "")
    monkeypatch.setattr("gilbench.host.tuning.capture", lambda *_argv, **_options: done)
    assert tuning_advice(virtual=True) == ("Perf event: Set max sample rate to 1",)
    assert len(tuning_advice()) == 2


TUNE = """
import os, sys
from gilbench.host import tuning
tuning._PYPERF = (sys.executable, "-c", "import sys; open(sys.argv[1], 'a').write(sys.argv[2] + ' ')", sys.argv[1])
with tuning.tuned():
    print("tuned", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("number", [None, signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_system_is_reset_after_each_end(number: signal.Signals | None, tmp_path: Path) -> None:
    """pyperf is replaced by a program that writes what it is asked for: it would change this machine."""
    if os.geteuid() != 0:
        absent("tuning needs root")
    told = tmp_path / "told"
    with subprocess.Popen(
        [sys.executable, "-c", TUNE, str(told)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "tuned\n"
        if number is None:
            process.communicate("end", timeout=60)
        else:
            process.send_signal(number)
            process.wait(60)
    deadline = time.monotonic() + 30
    while told.read_text() != "tune reset " and time.monotonic() < deadline:
        time.sleep(0.01)
    assert told.read_text() == "tune reset "


def test_a_command_and_tuning_need_each_other() -> None:
    for arguments in (("--tune",), ("--", "true")):
        done = gilbench("system", *arguments)
        assert done.returncode == 2
        assert "--tune and a command need each other" in " ".join(error_lines(done))
