"""Suggests how to reduce the noise of a machine. pyperf's suggestions for the kernel are in ``host/tuning.py``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gilbench.analyse.study.caveats import STEAL
from gilbench.model.cores import cpu_list, measured_cpus
from gilbench.model.machine import Steadiness
from gilbench.model.metrics import write
from gilbench.model.study import Host, Noise

_BUSY = 0.5  # load average of a busy machine
_TAKEN = 0.02  # fraction of the time of one CPU in which it is preempted
_SPREAD = 0.05  # CV across slices; measured for an interpreter against itself on one CPU: 2%


def why_one(host: Host) -> str:
    """Return in parentheses or a few words why only one core is available; empty: there are no others."""
    if len(host.cpus) > 1 and len({cpu.core for cpu in host.cpus}) == 1:
        return " (the CPUs are siblings)"
    return " within the quota" if host.quota is not None else ""


def fitness(host: Host, noise: Noise, cpus: Sequence[Steadiness]) -> Iterator[str]:
    """Yield one sentence for each source of noise, with a suggestion.

    Args:
        host: The machine.
        noise: Noise while the CPUs were measured.
        cpus: Stability of the CPUs.
    """
    if host.cores < 2:  # noqa: PLR2004 - one core, or several
        yield f"only one core is available{why_one(host)}, so threads cannot run in parallel: use more cores"
    if host.quota is not None:
        yield (
            f"a cgroup permits {host.quota:g} CPUs and stops all threads when they are used up: raise the "
            "quota of the container, or measure outside of it"
        )
    if len({cpu.kind for cpu in host.cpus}) > 1:
        numbers = cpu_list(cpu.number for cpu in measured_cpus(host.cpus))
        yield f"the cores are unequal: only CPUs {numbers} are measured; choose others with taskset"
    if not cpus:
        yield "CPU affinity cannot be set, so results are noisier: measure on Linux"
    if noise.load is not None and noise.load > _BUSY:
        yield f"other programs are running (load average {noise.load:.1f}): stop them, or measure later"
    if noise.steal is not None and noise.steal > STEAL:
        yield f"the hypervisor takes {write(noise.steal, 'fraction')} of the CPU time: use a less busy machine"
    for cpu in cpus:
        if cpu.taken > _TAKEN or cpu.spread > _SPREAD:
            yield (
                f"CPU {cpu.cpu} is unstable (preempted {write(cpu.taken, 'fraction')} of the time, "
                f"CV {write(cpu.spread, 'fraction')}): use more blocks, and compare only interleaved results"
            )
