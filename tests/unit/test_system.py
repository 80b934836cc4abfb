from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from gilbench import observe
from gilbench.analyse.fitness import fitness
from gilbench.interpreters import select
from gilbench.machine import Machine, Steadiness, TriedObserver
from gilbench.model import Host, Noise
from gilbench.render.system import render_system
from gilbench.run.steadiness import measure_cpus
from gilbench.run.tried import ATTEMPTS, try_observers
from gilbench.run.tuning import read_advice, tuning_advice

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
    monkeypatch.setattr("gilbench.run.tried.ATTEMPTS", {})
    try_observers(select([sys.executable]).interpreters[0], pytest.fail)
    assert not (tmp_path / "imported").exists()


def test_a_fit_machine_is_told_nothing() -> None:
    assert list(fitness(HOST, Noise(load=0.1, steal=0.0, pressure=0.0), [STEADY])) == []


@pytest.mark.parametrize(
    ("noise", "cpus", "said"),
    [
        (Noise(load=1.4), [STEADY], "load 1.4"),
        (Noise(steal=0.25), [STEADY], "hypervisor takes 25.0%"),
        (Noise(), [], "noisier"),
        (Noise(), [Steadiness(cpu=3, spread=0.3, taken=0.001, longest=1e-5)], "CPU 3 is not steady"),
        (Noise(), [Steadiness(cpu=3, spread=0.01, taken=0.4, longest=1e-2)], "40.0% of its time taken"),
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


@pytest.mark.parametrize("width", [80, 160])
def test_a_machine_fits_the_terminal_and_what_it_says_is_no_markup(width: int) -> None:
    observers = (
        TriedObserver(observer="cpu", shows="CPU time", by="the kernel's own counts"),
        TriedObserver(
            observer="gil",
            shows="who holds the GIL",
            by=None,
            reason="no [bold]root\x1b[31m, " + "long " * 40,
        ),
    )
    machine = Machine(
        gilbench="1.0",
        host=HOST,
        interpreter="3.13",
        observers=observers,
        cpus=(STEADY,),
        noise=Noise(load=0.5, steal=0.0),
        advice=("[link=x]do this",),
    )
    written = io.StringIO()
    render_system(machine, Console(file=written, width=width, highlight=False, force_terminal=False))
    text = written.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    for part in ("[red]CPU", "no [bold]root", "[link=x]do this", "30.0 µs", "not: no"):
        assert part in text


def test_every_observer_there_is_has_an_attempt() -> None:
    assert tuple(ATTEMPTS) == observe.NAMES
