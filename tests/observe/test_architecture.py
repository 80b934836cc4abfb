"""What observers know of other machines: numbers of CPUs, architectures, and C libraries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gilbench.interpreters.image import Image
from gilbench.observe import architecture, bpftrace
from gilbench.observe.gil.futex import FutexProbe
from gilbench.observe.gil.parking_probe import ParkingProbe
from gilbench.observe.running import RunningPython


def running(**changes: Any) -> RunningPython:
    executable = Path("/proc/self/exe").resolve()
    known = RunningPython(1, str(executable), code=executable, version=(3, 11))
    return known._replace(gil_enabled=not changes.get("free_threaded"), **changes)


@pytest.mark.parametrize("cpus", [1, 2, 64, 256, 4096])
def test_the_memory_of_a_script_is_bounded_on_any_number_of_cpus(cpus: int) -> None:
    keys, pages = bpftrace.bounded(65536, 512, cpus)
    assert keys >= 4096
    assert pages >= 16
    assert pages & (pages - 1) == 0  # bpftrace wants a power of two
    rings = pages * 4096 * cpus
    assert rings <= max(64 << 20, 16 * 4096 * cpus)
    if cpus <= 2:
        assert (keys, pages) == (65536, 512)


def test_both_architectures_have_a_table_of_system_calls_with_the_futex_in_it() -> None:
    for machine in ("x86_64", "aarch64"):
        known = architecture._KNOWN[machine]
        assert architecture.syscall_names(machine)[known.futex] == "futex"


@pytest.mark.parametrize("machine", ["aarch64", "riscv64"])
def test_probes_that_do_not_know_a_machine_refuse_it(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    for probe, free_threaded in ((FutexProbe(), False), (ParkingProbe(), True)):
        reason = probe.why_not(running(free_threaded=free_threaded))
        assert reason is not None
        assert machine in reason


def test_the_futex_probe_refuses_musl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    copy = tmp_path / "python3"
    copy.write_bytes(Path("/proc/self/exe").read_bytes() + b"\0/lib/ld-musl-x86_64.so.1\0")
    assert Image(copy).musl
    assert not Image(Path("/proc/self/exe").resolve()).musl
    assert "uses musl" in (FutexProbe().why_not(running(code=copy)) or "")
