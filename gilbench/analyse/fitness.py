"""Suggests how to reduce the noise of a machine. pyperf's suggestions for the kernel are in ``host/tuning.py``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gilbench.analyse.study.caveats import STEAL
from gilbench.model.machine import Steadiness
from gilbench.model.metrics import write
from gilbench.model.study import Host, Noise

_BUSY = 0.5  # load average of a busy machine
_TAKEN = 0.02  # fraction of the time of one CPU in which it is preempted
_SPREAD = 0.05  # CV across slices; measured for an interpreter against itself on one CPU: 2%


def fitness(host: Host, noise: Noise, cpus: Sequence[Steadiness]) -> Iterator[str]:
    """Yield one sentence for each source of noise, with a suggestion.

    Args:
        host: The machine.
        noise: Noise while the CPUs were measured.
        cpus: Stability of the CPUs.
    """
    if host.cores < 2:  # noqa: PLR2004 - one CPU, or several
        yield "only one CPU is available, so threads cannot run in parallel: use a machine with more CPUs"
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
