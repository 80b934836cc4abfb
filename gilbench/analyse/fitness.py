"""What would make the figures of a machine steadier, in sentences; what its kernel could be tuned to is pyperf's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gilbench.analyse.caveats import STEAL
from gilbench.machine import Steadiness
from gilbench.metrics import write
from gilbench.model import Host, Noise

_BUSY = 0.5  # load from which something else runs on the machine
_TAKEN = 0.02  # of the time of one CPU
_SPREAD = 0.05  # from piece to piece; A against A alternating on one CPU was seen at 2 %


def fitness(host: Host, noise: Noise, cpus: Sequence[Steadiness]) -> Iterator[str]:
    """Say what of a machine stands in the way of steady figures.

    Args:
        host: The machine.
        noise: What disturbed it while its CPUs were looked at.
        cpus: How steadily they ran.
    """
    if host.cores < 2:  # noqa: PLR2004 - one CPU, or several
        yield "one CPU alone may be used: threads cannot run beside each other, so no speed-up can be seen"
    if not cpus:
        yield "threads cannot be put on a CPU here: figures will be noisier than they need be"
    if noise.load is not None and noise.load > _BUSY:
        yield f"something else runs here (load {noise.load:.1f} over the last minute): end it, or measure later"
    if noise.steal is not None and noise.steal > STEAL:
        yield f"the hypervisor takes {write(noise.steal, 'fraction')} of the CPU time: choose a quieter machine"
    for cpu in cpus:
        if cpu.taken > _TAKEN or cpu.spread > _SPREAD:
            yield (
                f"CPU {cpu.cpu} is not steady ({write(cpu.taken, 'fraction')} of its time taken, "
                f"spread {write(cpu.spread, 'fraction')}): take more blocks, and compare only what is interleaved"
            )
