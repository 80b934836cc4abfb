"""The CPUs that this process may use: cores, kinds of core, caches, and nodes, as the Linux kernel reports them.

Sources: Documentation/admin-guide/cputopology.rst and Documentation/ABI/testing/sysfs-devices-system-cpu of Linux.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from gilbench.model.study import Cpu

_ALIKE = 0.9
"""Capacity or top frequency of cores of one kind, relative to the fastest of them. Preferred cores of a kind reach up
to 10% more than the others. The next kind is slower by a fifth or more."""


def allowed_cpus() -> list[int]:
    """Return the numbers of the CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def read_topology(allowed: Iterable[int], root: Path = Path("/")) -> tuple[Cpu, ...]:
    """Describe some CPUs. A CPU whose core is unknown counts as a core of its own.

    Args:
        allowed: Numbers of the CPUs.
        root: Folder that holds ``sys``.
    """
    system = root / "sys/devices"
    numbers = sorted(set(allowed))
    kinds = _kinds(system, numbers)
    nodes = _nodes(system)
    return tuple(
        Cpu(
            number=number,
            core=min(_siblings(system, number)),
            kind=kinds[number],
            cache=min(_sharing_cache(system, number), default=None),
            node=nodes.get(number, 0),
        )
        for number in numbers
    )


def parse_list(text: str) -> list[int]:
    """Read a list of CPUs as the kernel writes it: ``0-3,8``.

    Raises:
        ValueError: The text is no such list.
    """
    found: list[int] = []
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        if first:
            found += range(int(first), int(last or first) + 1)
    return found


def _siblings(system: Path, number: int) -> list[int]:
    """Return the CPUs of one core."""
    folder = system / f"system/cpu/cpu{number}/topology"
    return _list(folder / "core_cpus_list") or _list(folder / "thread_siblings_list") or [number]


def _sharing_cache(system: Path, number: int) -> list[int]:
    """Return the CPUs that share the last-level cache of a CPU; empty: unknown."""
    found: dict[int, list[int]] = {}
    for folder in (system / f"system/cpu/cpu{number}/cache").glob("index*"):
        with contextlib.suppress(OSError, ValueError):
            found[int((folder / "level").read_text())] = _list(folder / "shared_cpu_list")
    return found[max(found)] if found else []


def _nodes(system: Path) -> dict[int, int]:
    nodes = {}
    for folder in (system / "system/node").glob("node[0-9]*"):
        nodes.update(dict.fromkeys(_list(folder / "cpulist"), int(folder.name.removeprefix("node"))))
    return nodes


def _kinds(system: Path, numbers: Sequence[int]) -> dict[int, int]:
    """Return the kind of each CPU, 0 for the fastest.

    Intel's hybrid processors list their efficient cores under a device of their own. Others differ in capacity (Arm) or
    top frequency.
    """
    efficient = set(_list(system / "cpu_atom/cpus"))
    speeds = {number: _speed(system, number) for number in numbers}
    kinds: dict[int, int] = {}
    kind, first = -1, (False, 0.0)
    for number in sorted(numbers, key=lambda number: (number in efficient, -speeds[number], number)):
        this = number in efficient, speeds[number]
        if kind < 0 or this[0] != first[0] or this[1] < _ALIKE * first[1]:
            kind, first = kind + 1, this
        kinds[number] = kind
    return kinds


def _speed(system: Path, number: int) -> float:
    """Return the capacity of a CPU, else its top frequency; 0: unknown."""
    folder = system / f"system/cpu/cpu{number}"
    for path in (folder / "cpu_capacity", folder / "cpufreq/cpuinfo_max_freq"):
        with contextlib.suppress(OSError, ValueError):
            return float(path.read_text())
    return 0.0


def _list(path: Path) -> list[int]:
    try:
        return parse_list(path.read_text("ascii"))
    except (OSError, ValueError):
        return []
