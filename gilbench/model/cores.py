"""The cores of a host that count: those of one kind, within the quota."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gilbench.model.study import Cpu


def measured_cpus(cpus: Sequence[Cpu]) -> tuple[Cpu, ...]:
    """Return the CPUs of one kind of core: of the kind with the most cores, and of equals, the fastest.

    Threads on unequal cores would show a speedup that is only that of a faster core.
    """
    cores = {kind: len({cpu.core for cpu in cpus if cpu.kind == kind}) for kind in {cpu.kind for cpu in cpus}}
    kind = min(cores, key=lambda kind: (-cores[kind], kind), default=0)
    return tuple(cpu for cpu in cpus if cpu.kind == kind)


def cpu_list(numbers: Iterable[int]) -> str:
    """Write numbers of CPUs as the kernel and taskset do: ``0-3,8``."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)


def usable_cores(cpus: Sequence[Cpu], quota: float | None) -> int:
    """Return how many threads can really run in parallel: on physical cores of one kind, within the quota.

    Args:
        cpus: CPUs that may be used.
        quota: CPU time per time; None: unlimited.
    """
    cores = len({cpu.core for cpu in measured_cpus(cpus)})
    return max(1, cores if quota is None else min(cores, int(quota)))
