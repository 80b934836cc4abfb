"""What the host gives, measured for real: the process, its failure, and its end."""

from __future__ import annotations

import os
import statistics
from pathlib import Path

import psutil
import pytest
from children import wait_for_end

from gilbench.run.control import HostControl

CPUS = tuple(sorted(os.sched_getaffinity(0)))


def test_one_cpu_is_no_speedup() -> None:
    assert HostControl().speedup(CPUS[:1]) == 1.0


def test_two_processes_on_one_cpu_gain_nothing_and_leave_nothing() -> None:
    control = HostControl()
    try:
        found = [control.speedup((CPUS[0], CPUS[0])) or 0.0 for _ in range(5)]
        assert 0.3 < statistics.median(found) < 1.5  # a busy host; two cores would give 2
        (process,) = [one for one in psutil.Process().children() if "control_main" in " ".join(one.cmdline())]
        assert process.children() == []
    finally:
        control.close()
    assert wait_for_end(process.pid)


def test_a_timer_is_late_and_never_early() -> None:
    control = HostControl()
    try:
        found = control.lateness(CPUS[-1])
        assert found is not None
        assert 0 <= found < 1
    finally:
        control.close()


def test_a_cpu_that_does_not_exist_is_unknown_and_the_next_one_is_measured() -> None:
    control = HostControl()
    try:
        assert control.lateness(10_000) is None
        assert control.speedup((0, 10_000)) is None
        assert control.lateness(CPUS[0]) is not None
    finally:
        control.close()


def test_a_process_that_cannot_be_started_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gilbench.run.control.sys.executable", str(Path("/nowhere/python")))
    control = HostControl()
    assert control.lateness(CPUS[0]) is None
    control.close()
