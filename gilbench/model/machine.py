"""The values of ``gilbench system``: available observers and CPU stability."""

from __future__ import annotations

from gilbench.model.study import Host, Noise, Struct


class TriedObserver(Struct, frozen=True):
    """An observer, tested on a CPU-bound program."""

    observer: str  # its name in ``--observe``, or ``--count instructions``
    shows: str
    by: str | None  # the tool that observed; None: unavailable
    reason: str | None = None  # why it is unavailable or limited, and the remedy


class Steadiness(Struct, frozen=True):
    """The stability of one CPU, measured by a busy loop that reads the clock."""

    cpu: int
    spread: float  # fraction: CV of the loop's speed across slices
    taken: float  # fraction of the time in which the loop was preempted
    longest: float  # s, longest preemption


class Machine(Struct, frozen=True):
    """This machine: host, observers, CPU stability, and suggestions."""

    gilbench: str
    host: Host
    interpreter: str  # the interpreter that the observers were tested on
    observers: tuple[TriedObserver, ...]
    cpus: tuple[Steadiness, ...]  # empty if CPU affinity cannot be set
    noise: Noise  # while the CPUs were measured
    advice: tuple[str, ...] = ()  # suggestions for less noise and more observers, one sentence each
