"""Hosts that nobody here has: their CPUs as the kernel shows them in /sys, and the cgroups of a process.

The files are those of Documentation/admin-guide/cputopology.rst and cgroup-v2.rst of Linux. The numbering of CPUs and
the capacities are those of such machines:

- Rockchip RK3588 (4 Cortex-A55, 4 Cortex-A76): rk3588s.dtsi of Linux has capacity-dmips-mhz 530 and 1024; with the
  frequencies of 1.8 and 2.4 GHz, cpu_capacity is 414 and 1024.
- Intel Core i7-1365U: 2 performance cores with two threads at 5.2 GHz, 8 efficient cores at 3.9 GHz (Intel ARK).
- Servers number first all cores of node 0, then those of node 1, and then the siblings in the same order.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class FakeCpu(NamedTuple):
    """A CPU as in /sys."""

    siblings: str
    node: int = 0
    cache: str | None = None
    capacity: int | None = None
    frequency: int | None = None  # kHz
    efficient: bool = False


def pair_of_siblings() -> dict[int, FakeCpu]:
    return dict.fromkeys((0, 1), FakeCpu("0-1", cache="0-1"))


def equal(count: int, first: int = 0) -> dict[int, FakeCpu]:
    return {number: FakeCpu(str(number)) for number in range(first, first + count)}


def rk3588() -> dict[int, FakeCpu]:
    return {
        number: FakeCpu(str(number), cache="0-7", capacity=414 if number < 4 else 1024) for number in range(8)
    }


def i7_1365u() -> dict[int, FakeCpu]:
    fast = {
        number: FakeCpu(f"{number // 2 * 2}-{number // 2 * 2 + 1}", cache="0-11", frequency=5_200_000)
        for number in range(4)
    }
    slow = {
        number: FakeCpu(str(number), cache="0-11", frequency=3_900_000, efficient=True)
        for number in range(4, 12)
    }
    return {**fast, **slow}


def two_nodes(cores: int, threads: int = 2) -> dict[int, FakeCpu]:
    """Two nodes of half the cores each, with the siblings numbered after all cores."""
    cpus = {}
    for number in range(cores * threads):
        core = number % cores
        node = core * 2 // cores
        half = cores // 2
        first = node * half
        cache = ",".join(
            f"{first + thread * cores}-{first + half - 1 + thread * cores}" for thread in range(threads)
        )
        siblings = ",".join(str(core + thread * cores) for thread in range(threads))
        cpus[number] = FakeCpu(siblings, node=node, cache=cache, frequency=3_500_000)
    return cpus


def write_cpus(root: Path, cpus: dict[int, FakeCpu]) -> Path:
    """Write the tree of /sys/devices. Return its root."""
    devices = root / "sys/devices"
    for number, cpu in cpus.items():
        folder = devices / f"system/cpu/cpu{number}"
        _write(folder / "topology/thread_siblings_list", cpu.siblings)
        if cpu.cache is not None:
            _write(folder / "cache/index0/level", "1")
            _write(folder / "cache/index0/shared_cpu_list", cpu.siblings)
            _write(folder / "cache/index3/level", "3")
            _write(folder / "cache/index3/shared_cpu_list", cpu.cache)
        if cpu.capacity is not None:
            _write(folder / "cpu_capacity", str(cpu.capacity))
        if cpu.frequency is not None:
            _write(folder / "cpufreq/cpuinfo_max_freq", str(cpu.frequency))
    for node in sorted({cpu.node for cpu in cpus.values()}):
        numbers = [number for number, cpu in cpus.items() if cpu.node == node]
        _write(devices / f"system/node/node{node}/cpulist", ",".join(map(str, numbers)))
    efficient = [number for number, cpu in cpus.items() if cpu.efficient]
    if efficient:
        _write(devices / "cpu_atom/cpus", ",".join(map(str, efficient)))
        _write(devices / "cpu_core/cpus", ",".join(str(one) for one in cpus if one not in efficient))
    return root


def write_cgroups(root: Path, *, unified: bool, home: str, quotas: dict[str, tuple[str, int]]) -> Path:
    """Write /proc/self and the cgroups of a process.

    Args:
        root: Folder of the tree.
        unified: Version 2 of cgroups.
        home: Path of the process's cgroup.
        quotas: Quota and period in µs, by path of the cgroup.
    """
    mount = "/sys/fs/cgroup" if unified else "/sys/fs/cgroup/cpu,cpuacct"
    kind = "cgroup2 cgroup2 rw,nsdelegate" if unified else "cgroup cgroup rw,cpu,cpuacct"
    _write(root / "proc/self/mountinfo", f"35 24 0:30 / {mount} rw,nosuid shared:9 - {kind}")
    _write(root / "proc/self/cgroup", f"0::{home}" if unified else f"4:cpu,cpuacct:{home}")
    (root / mount.lstrip("/") / home.lstrip("/")).mkdir(parents=True)
    for path, (quota, period) in quotas.items():
        folder = root / mount.lstrip("/") / path.lstrip("/")
        if unified:
            _write(folder / "cpu.max", f"{quota} {period}")
        else:
            _write(folder / "cpu.cfs_quota_us", quota)
            _write(folder / "cpu.cfs_period_us", str(period))
    return root


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")
