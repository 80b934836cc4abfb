"""The nouns of a profiled program: whose threads held the GIL, waited for it, and what else they did.

Times are seconds, sizes are bytes, fractions are 0 to 1 and of the wall time of the profile.
``None`` always means "not known" or "not taken", never zero.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from gilbench.model import Share, Struct

Strength = Literal["exact", "futex", "sampled"]  # of a probe, the strongest first


class Probe(Struct, frozen=True):
    """What looked at the GIL, and how far it can be trusted."""

    strength: Strength | None  # None: nothing could look
    name: str  # as the report names it, e.g. "exact (bpftrace: take_gil, drop_gil)"
    error: float | None = None  # half width of the 95 % interval of a sampled fraction
    lost: int = 0  # events that did not reach us
    reason: str | None = None  # why no stronger one, or none, and what would give more


class Bucket(Struct, frozen=True):
    """Waits of one length, in a histogram whose bounds double."""

    lo: float  # s
    hi: float
    count: int


SHORTEST = 1e-3  # s; of a shorter profile nothing can be said
ASKED_FOR = frozenset(
    {"event", "thread lock"}
)  # kinds of ``Parked`` that the program waits for by its own wish


class Parked(Struct, frozen=True):
    """Time parked on one kind of lock, on a free-threaded build."""

    kind: str  # object lock, critical section, reference-count queue, stop-the-world, event, ...
    seconds: float
    count: int
    longest: float


class ProfiledThread(Struct, frozen=True):
    """What one thread did. held + wait + off + blocked = alive, where all are known."""

    pid: int
    tid: int
    name: str | None  # Python's, else the kernel's
    alive: float  # fraction of the profile in which it lived
    gil_held: float | None = None
    gil_wait: float | None = None  # free-threaded: parked on locks, or stopped
    off_gil: float | None = None  # on the CPU without the GIL; free-threaded: on the CPU
    blocked: float | None = None  # neither: asleep, in I/O, or waiting for a CPU without the GIL
    cpu: float | None = None  # s on the CPU
    switches: int | None = None  # times it took the GIL
    longest_hold: float | None = None
    longest_wait: float | None = None
    waits: tuple[Bucket, ...] = ()
    parked: tuple[Parked, ...] = ()
    context_switches: int | None = None


class Blame(Struct, frozen=True):
    """Who made whom wait: the thread that held the GIL when the wait began."""

    holder: int  # tid
    waiter: int
    seconds: float
    count: int


class Call(Struct, frozen=True):
    """One system call by name."""

    name: str
    count: int
    seconds: float | None = None


class Pause(Struct, frozen=True):
    """Stop-the-world pauses of a free-threaded build."""

    count: int
    seconds: float
    longest: float


class ProgramProcess(Struct, frozen=True):
    """The program as a whole."""

    pid: int
    command: tuple[str, ...]
    executable: str
    version: str | None  # of Python
    free_threaded: bool
    gil_enabled: bool | None
    status: int | None = None  # exit status, where it ended meanwhile
    cpu: float | None = None  # s
    memory_peak: int | None = None
    voluntary_switches: int | None = None
    involuntary_switches: int | None = None
    start_up: float | None = None  # s of it that the profile leaves out


class WhatIf(Struct, frozen=True):
    """What the program could gain without a GIL."""

    cores: int
    bound: float  # speed-up at most
    predicted: float | None = None  # with the one-thread cost of the free-threaded build
    one_thread_cost: float | None = None  # time of the free-threaded build / of the GIL build, on one thread
    measured: float | None = None  # by --verify
    measured_lo: float | None = None
    measured_hi: float | None = None
    measured_on: str | None = None


class ProgramProfile(Struct, frozen=True):
    """Everything that was seen of a program."""

    probe: Probe
    duration: float  # s
    process: ProgramProcess
    threads: tuple[ProfiledThread, ...]
    blames: tuple[Blame, ...] = ()
    pauses: Pause | None = None
    syscalls: tuple[Call, ...] = ()
    functions: tuple[Share, ...] = ()  # shares of samples: that held the GIL; free-threaded: that parked
    what_if: WhatIf | None = None
    findings: tuple[str, ...] = ()
    unavailable: tuple[str, ...] = ()  # what could not be looked at, each with its reason
    costs: tuple[Share, ...] = ()  # slow-down by observers: time observed / unobserved, where both are known


class StateChange(NamedTuple):
    """From this moment on a thread is in another state: one event of the timeline."""

    stamp: float  # CLOCK_MONOTONIC, s
    tid: int
    state: Literal["held", "wait", "off", "blocked", "ended"]  # off: on the CPU without the GIL
