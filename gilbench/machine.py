"""The nouns of ``gilbench system``: what this machine lets be seen, and how steadily it runs."""

from __future__ import annotations

from gilbench.model import Host, Noise, Struct


class TriedObserver(Struct, frozen=True):
    """An observer, tried on a program that computes."""

    observer: str  # as ``--observe`` takes it
    shows: str
    by: str | None  # what did the looking; None: nothing could
    reason: str | None = None  # why nothing did, or nothing better, and what would help


class Steadiness(Struct, frozen=True):
    """How steadily a loop of nothing but looks at the clock ran on one CPU."""

    cpu: int
    spread: float  # fraction: standard deviation of its speed over its mean, from piece to piece
    taken: float  # fraction of the time in which something else ran
    longest: float  # s, without a break


class Machine(Struct, frozen=True):
    """Everything a renderer needs."""

    gilbench: str
    host: Host
    interpreter: str  # on which the observers were tried
    observers: tuple[TriedObserver, ...]
    cpus: tuple[Steadiness, ...]  # empty where a thread cannot be put on a CPU
    noise: Noise  # while the CPUs were looked at
    advice: tuple[str, ...] = ()  # what would make figures steadier, or let more be seen; one sentence each
