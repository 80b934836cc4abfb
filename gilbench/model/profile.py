"""The values of a profile: which threads of a program held the GIL, waited for it, and what else they did.

Times are seconds, sizes are bytes, fractions are 0 to 1 and of the wall time of the profile. ``None`` means "unknown"
or "not measured", never zero.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec

from gilbench.model.events import Events
from gilbench.model.results import Caveat, Finding
from gilbench.model.study import Share, Struct
from gilbench.version import __version__

SCHEMA = 3  # of a saved profile; store/profile.py has its history
NO_FUNCTION = "no function of Python's"  # frame of a sample without any
SHORTEST = 1e-3  # s; a shorter profile shows nothing

Strength = Literal["exact", "futex", "sampled"]  # strongest first


class Probe(Struct, frozen=True):
    """The probe that observed the GIL, and its limits."""

    strength: Strength | None  # None: no probe worked
    name: str  # for example "exact (bpftrace: take_gil, drop_gil)"
    error: float | None = None  # half width of the 95% interval of a sampled fraction
    lost: int = 0  # events
    reason: str | None = None  # why no stronger probe was used, and the remedy


class Bucket(Struct, frozen=True):
    """One bucket of a histogram of waits; the bounds double."""

    lo: float  # s
    hi: float
    count: int


STOPPED_WORLD = "stop-the-world"  # kind of ``Parked``
UNKNOWN_LOCK = "lock whose owner is not known"  # of the program or of the interpreter
# Kinds of ``Parked`` that are waits of the program itself, or may be.
ASKED_FOR = frozenset({"event", "thread lock", UNKNOWN_LOCK})


class Parked(Struct, frozen=True):
    """Time parked on one kind of lock, on a free-threaded build."""

    kind: str  # object lock, critical section, reference-count queue, stop-the-world, event, ...
    seconds: float
    count: int
    longest: float


LOCK = "lock"  # kind of ``Blocked``: a lock of the program
UNKNOWN_WAIT = "lock, condition, or similar"  # kind of ``Blocked`` of a thread whose functions are unknown


class Blocked(Struct, frozen=True):
    """One way in which a thread slept, neither holding the GIL nor waiting for it, by samples.

    Its share of the thread's life is ``samples`` / ``ProfiledThread.looks``.
    """

    tid: int
    kind: str  # what it waited for: LOCK, condition, queue, event, sleep, socket, file, poll, ...
    function: str | None  # the function of Python's that waited, as ``name (file.py:12)``; None: unknown
    samples: float  # samples whose function is unknown are divided like the others
    lock: int | None = None  # of a LOCK: its address in memory, the same for all its waiters


class LockHolder(Struct, frozen=True):
    """A thread that held a lock of the program for which others waited, by samples."""

    lock: int  # as ``Blocked.lock``
    tid: int
    samples: int  # in which it held the lock, and at least one thread waited


class Collections(Struct, frozen=True):
    """Garbage collections that ran in one thread, on a build with a GIL."""

    count: int
    seconds: float
    longest: float


class ProfiledThread(Struct, frozen=True):
    """One thread; held + wait + off + blocked = alive, if all are known."""

    pid: int
    tid: int  # of a sum: the tid of one of its threads
    name: str | None  # Python's, else the kernel's; None: it has only the name of the program
    alive: float  # fraction of the profile in which the thread existed
    gil_held: float | None = None
    gil_wait: float | None = None  # free-threaded: parked on locks, or stopped
    off_gil: float | None = None  # on the CPU without the GIL; free-threaded: on the CPU
    blocked: float | None = None  # off CPU, neither holding nor waiting: sleep, I/O, other locks, no free CPU
    cpu: float | None = None  # s on the CPU
    switches: int | None = None  # times the thread acquired the GIL
    longest_hold: float | None = None
    longest_wait: float | None = None
    waits: tuple[Bucket, ...] = ()
    parked: tuple[Parked, ...] = ()
    context_switches: int | None = None
    collections: Collections | None = None  # None: none, or not observed
    looks: int | None = None  # samples of what the thread slept on, if at all; None: not observed
    count: int = 1  # more: the sum of so many threads, with the name's pattern and the longest times of all


class Blame(Struct, frozen=True):
    """GIL waits of one thread, by the holder at the start of the wait."""

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


class GilSwitch(Struct, frozen=True):
    """The moment from which a free-threaded build had its GIL enabled, because an import required it."""

    after: float | None  # s since the start of the program, or of the watch; None: before the watch
    module: str | None  # the extension that was imported; None: unknown
    left_out: float = 0.0  # s until the first GIL value, which the profile excludes


class ProgramProcess(Struct, frozen=True):
    """The program as a whole."""

    pid: int
    command: tuple[str, ...]
    executable: str
    version: str | None  # of Python
    free_threaded: bool
    gil_enabled: bool | None  # at the end
    gil_switch: GilSwitch | None = None  # None: the GIL was not switched on
    status: int | None = None  # exit status, if the program has ended
    cpu: float | None = None  # s, in ``counted``
    memory_peak: int | None = None
    voluntary_switches: int | None = None
    involuntary_switches: int | None = None
    start_up: float | None = None  # s of startup, which the profile excludes
    counted: float | None = None  # s in which CPU time, context switches, and system calls were counted

    @property
    def excluded(self) -> float:
        """Seconds of the process, or of the watch, before the profile's values: startup, and without a GIL."""
        return (self.start_up or 0.0) + (self.gil_switch.left_out if self.gil_switch else 0.0)


class Replayed(Struct, frozen=True):
    """The speedup of the recorded program without a GIL on a number of CPUs."""

    cores: int
    speedup: float  # including the one-thread cost if known


class WhatIf(Struct, frozen=True):
    """The speedup of the program without a GIL."""

    cores: int
    bound: float  # upper bound of the speedup
    predicted: float | None = None  # speedup, including the one-thread cost if known
    one_thread_cost: float | None = (
        None  # single-threaded time on the free-threaded / on the GIL-enabled build
    )
    measured: float | None = None  # speedup, by --verify
    measured_lo: float | None = None
    measured_hi: float | None = None
    measured_on: str | None = None
    measured_cpu: float | None = None  # CPU time on the free-threaded build / on the same build with its GIL
    curve: tuple[Replayed, ...] = ()  # by number of CPUs; empty: no timeline was recorded


class Lane(Struct, frozen=True):
    """What one thread did over time: shares of each piece of it. All are 0 while the thread does not exist."""

    tid: int
    held: tuple[float, ...]  # on the CPU or not
    wait: tuple[float, ...]
    off: tuple[float, ...]  # on the CPU without the GIL
    blocked: tuple[float, ...]  # asleep, or without a free CPU


class Lanes(Struct, frozen=True):
    """The recorded time in equal pieces, for the threads that held the GIL or waited for it longest."""

    seconds: float  # that were recorded
    threads: tuple[Lane, ...]


class Stack(Struct, frozen=True):
    """One stack of a thread that held the GIL (without a GIL: was on the CPU), and its number of samples."""

    tid: int | None  # None: py-spy does not know the thread's number
    thread: str  # its name, or py-spy's label
    frames: tuple[str, ...]  # outermost first, as ``name (file.py:12)``
    samples: int
    named: bool = True  # whether ``thread`` is the name that Python knows
    pid: int | None = None  # of a child; None: the process that is profiled


class SourceLine(Struct, frozen=True):
    """The line of source code at which a frame was sampled."""

    frame: str  # as in ``Stack.frames``
    text: str


class ObserverCost(Struct, frozen=True):
    """What an observer used while it looked at the program."""

    observer: str
    cpu: float  # CPU time, as a fraction of the duration: of one CPU
    rate: int | None = None  # samples per second at the end, where fewer were taken to use less


class Profile(Struct, frozen=True):
    """A profile of a program."""

    probe: Probe
    duration: float  # s
    process: ProgramProcess
    threads: tuple[ProfiledThread, ...]
    blames: tuple[Blame, ...] = ()
    pauses: Pause | None = None
    syscalls: tuple[Call, ...] = ()
    functions: tuple[Share, ...] = ()  # shares of samples (free-threaded: of parked time)
    blocked: tuple[Blocked, ...] = ()  # sampled; most samples first
    lock_holders: tuple[LockHolder, ...] = ()  # only of locks that tell it
    native: tuple[Share, ...] = ()  # C functions that held the GIL; shares of samples
    what_if: WhatIf | None = None
    findings: tuple[Finding, ...] = ()
    caveats: tuple[Caveat, ...] = ()  # what was not observed, with the reason
    stacks: tuple[Stack, ...] = ()  # sampled, of threads that held the GIL; without a GIL: on the CPU
    stack_rate: int | None = None  # samples per second
    sources: tuple[SourceLine, ...] = ()  # of frames of ``stacks`` whose files could be read
    observers: tuple[ObserverCost, ...] = ()
    costs: tuple[Share, ...] = ()  # slowdown by observers: time observed / unobserved, where both are known
    contended: float | None = None  # fraction in which any thread waited for the GIL; at least the truth
    free_wanted: float | None = None  # its part in which no thread held the GIL: handing it over
    wake_up: float | None = (
        None  # s of CPU time that a thread needs at most to wake up and sleep again, on this host
    )
    lanes: Lanes | None = None  # None: no events were recorded

    @property
    def counted(self) -> float:
        """Seconds in which CPU time and system calls were counted; in older profiles, those since the exec."""
        return self.process.counted or self.duration + self.process.excluded


class RecordedProfile(NamedTuple):
    """A profile, and what each thread did, event by event, which is never saved."""

    profile: Profile
    events: Events | None = None  # None: not recorded


def document(profile: Profile) -> dict[str, Any]:
    """Give a profile as the JSON document that is saved: the fields of the values by their names."""
    return {
        "kind": "profile",
        "schema": SCHEMA,
        "gilbench": __version__,
        **msgspec.to_builtins(profile),
        "unavailable": [caveat.text for caveat in profile.caveats],
    }


class Verified(NamedTuple):
    """Wall times in s of a command, one of each kind for each round that all three finished."""

    original: tuple[float, ...]
    threaded: tuple[float, ...]  # on a free-threaded interpreter
    gil_on: tuple[float, ...]  # on the same one with its GIL switched on
    complaints: tuple[str, ...]  # why there are fewer rounds, or why they show less than expected
    threaded_cpu: tuple[float, ...] = ()  # CPU time in s of the same rounds
    gil_on_cpu: tuple[float, ...] = ()
    forced: bool = False  # an extension enables the GIL, so ``threaded`` had it forced off


class StateChange(NamedTuple):
    """One event of the timeline: a thread enters a state."""

    stamp: float  # CLOCK_MONOTONIC, s
    tid: int
    state: Literal["held", "wait", "off", "blocked", "ended"]  # off: on the CPU without the GIL
