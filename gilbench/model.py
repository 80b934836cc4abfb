"""The nouns of gilbench as frozen structs: what is measured, how, and what was seen.

Times are seconds, stamps are CLOCK_MONOTONIC seconds, sizes are bytes, fractions are 0 to 1.
``None`` always means "not known" or "not taken", never zero.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Family = Literal["cpu", "offgil", "io", "mixed", "signals", "shared", "alternatives"]
Driver = Literal[
    "parallel",  # N threads repeat an operation
    "service",  # the main thread serves the peer
    "signals",  # signals come, from the peer or from a timer
    "inside",  # the main thread does something that needs no peer
    "processes",  # like parallel, and with something else than threads
    "subinterpreters",
    "cooperative",
]
Peer = Literal["tcp", "unix", "udp", "pipe", "http", "jobs", "signals"]
Value = int | float | str
Parameters = tuple[tuple[str, Value], ...]


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all nouns."""


# --- interpreters ---------------------------------------------------------------------------------------


class Build(Struct, frozen=True):
    """What was compiled. A fact that the interpreter cannot name is None."""

    implementation: str  # CPython, PyPy, Jython, Stackless, GraalPy, ... as the interpreter calls itself
    version: str  # of the language, e.g. "3.13.5"
    version_info: tuple[int, int, int]
    implementation_version: str | None = None  # where it differs: PyPy's own 7.3.11
    free_threaded: bool = False
    debug: bool | None = None
    pgo: bool | None = None
    lto: bool | None = None
    optimisation: str | None = None  # the last -O flag of the compile line, e.g. "-O3"
    jit: bool | None = None
    libpython: Literal["shared", "static"] | None = None
    compiler: str | None = None
    machine: str | None = None  # e.g. x86_64
    gil_symbols: tuple[str, ...] = ()  # which symbols of the probes are in the binary or its libpython
    stripped: bool | None = None  # no local symbols: the exact probes cannot be placed


class Interpreter(Struct, frozen=True):
    """An executable that can be launched, and what it says it is."""

    name: str  # how tables call it, unique within a study: 3.13t, pypy3.9, jython2.7
    executable: str  # what is launched
    binary: str  # the real file behind shims and links
    build: Build
    gil_enabled: bool  # as it comes up, with no option
    library: str | None = None  # its libpython, where it has one


class Unusable(Struct, frozen=True):
    """An executable that looks like an interpreter and cannot be used."""

    executable: str
    reason: str


# --- workloads ------------------------------------------------------------------------------------------


class Workload(Struct, frozen=True):
    """What a workload's file declares; read without running the file."""

    name: str
    family: Family
    path: str
    digest: str  # of the file's text: another digest is another workload
    summary: str  # first line of its docstring
    driver: Driver
    unit: str  # of one operation, plural: "countdowns", "requests"
    foreground: str | None = None  # the workload that this one serves beside its CPU-bound threads
    peer: Peer | None = None  # how the process outside reaches it
    scheduled: bool = False  # all of it comes on schedule: latency is taken, and no throughput
    least_seconds: float = 0.0  # of a scheduled part: a shorter one would not show what it is about
    parameters: dict[str, Value] = {}
    choices: dict[
        str, tuple[Value, ...]
    ] = {}  # parameters of which each value is a case of its own by default
    checksum: str | None = None  # of one operation with the default parameters, equal on every interpreter
    requires: tuple[str, ...] = ()  # e.g. "python>=3.12", "numpy"
    threads: tuple[int, ...] | None = None  # fixed thread counts; None: as asked
    core: bool = False  # one of the few that are run when nothing is asked for
    quiet_case: bool = False  # also measured with no thread at all, as what the others are compared with


# --- plan -----------------------------------------------------------------------------------------------


class Case(Struct, frozen=True):
    """One cell of the matrix."""

    workload: str
    interpreter: str
    threads: int  # threads of the workload; in mixed and signals: the CPU-bound threads beside it
    parameters: Parameters = ()  # sorted by name; only those that differ from the declaration
    gil: bool | None = None  # forced on or off; None: as the interpreter comes up
    switch_interval: float | None = None  # s; None: the interpreter's default
    cpus: int | None = None  # how many CPUs the worker may use; None: one for one thread, else all
    observers: tuple[str, ...] = ()  # what watches it; a timing case has none


class Profile(Struct, frozen=True):
    """How much effort is spent."""

    name: str
    blocks: int
    slices: int  # timed slices of a run, more in a block of few of its cases
    slice_seconds: float  # of one or two threads; longer for more
    latency_seconds: float  # open-loop part of a slice, and length of a signals slice
    warmup_seconds: float  # at most, for a build that compiles as it runs
    few_choices: bool = False  # of a workload's declared choices only the defaults are measured


class Plan(Struct, frozen=True):
    """What will be run: ``blocks`` blocks, each one run of every case."""

    profile: Profile
    cases: tuple[Case, ...]
    seed: int
    reference: str  # the interpreter that the others are divided by
    cpus: tuple[int, ...]  # that may be used
    seconds: float  # how long it will take
    budget: float | None = None  # s after which no block is begun; None: all blocks are run


# --- runs -----------------------------------------------------------------------------------------------


class ThreadSlice(Struct, frozen=True):
    """What one thread did in one slice."""

    tid: int | None  # the kernel's
    start: float
    finish: float
    operations: float  # inside the steady window
    total: int  # operations from start to finish
    cpu: float | None  # s on the CPU from start to finish


class Slice(Struct, frozen=True):
    """One timed piece of a run."""

    round: int  # slices of one block with the same number were taken side by side
    start: float
    end: float
    window: float  # s in which all threads were busy
    operations: float  # inside the window
    checksum: str
    gil_enabled: tuple[bool, bool]  # at the start and the end
    cpus: tuple[int, ...]  # the worker's CPU set in force, empty where the kernel did not say
    cpu: float | None = None  # s of CPU time of the worker, by the kernel, from start to end
    threads: tuple[ThreadSlice, ...] = ()
    latencies: tuple[float, ...] = ()  # s from the scheduled moment, of those that were ever answered
    offered: int | None = None  # requests or signals sent on schedule
    served: int | None = None  # answers: fewer than latencies where several signals were merged into one


class Share(Struct, frozen=True):
    """A named share of something, e.g. of the samples in which the GIL was held."""

    name: str
    value: float


class Reading(Struct, frozen=True):
    """What an observer saw of one run."""

    observer: str
    figures: dict[str, float] = {}  # by metric
    threads: tuple[Share, ...] = ()
    functions: tuple[Share, ...] = ()
    samples: int | None = None
    unavailable: str | None = None  # the reason, where it saw nothing


class Environment(Struct, frozen=True):
    """What a run really ran with, as the worker says."""

    pid: int
    clock: str
    switch_interval: float | None = None  # s
    check_interval: int | None = None  # Python 2's ticks between releases
    loops: int = 0  # operations between two readings of the clock
    backend: str | None = None  # which library or module does the work, where the workload says


class Failure(Struct, frozen=True):
    """Why a run failed."""

    kind: str
    message: str
    output: str = ""  # end of what the worker wrote


class Noise(Struct, frozen=True):
    """What disturbed the host while a block was run."""

    load: float | None = None  # 1 min load average
    steal: float | None = None  # fraction of CPU time taken by the hypervisor
    pressure: float | None = None  # fraction of time in which some task waited for a CPU (PSI)


class Run(Struct, frozen=True):
    """One worker process serving one case."""

    case: int  # index into the plan's cases
    block: int
    attempt: int  # how often this block had been begun before
    environment: Environment | None = None
    slices: tuple[Slice, ...] = ()
    readings: tuple[Reading, ...] = ()
    failure: Failure | None = None
    interrupted: bool = False
    noise: Noise | None = None


# --- study ----------------------------------------------------------------------------------------------


class Host(Struct, frozen=True):
    """Where it was measured."""

    system: str
    kernel: str
    machine: str
    cpu_model: str
    cores: int
    memory: int
    governor: str | None = None
    virtualisation: str | None = None
    root: bool = False


class Header(Struct, frozen=True):
    """First line of a study file."""

    gilbench: str
    created: str  # ISO 8601, UTC
    host: Host
    plan: Plan
    interpreters: tuple[Interpreter, ...]
    workloads: tuple[Workload, ...]


class Study(Struct, frozen=True):
    """A study file as it is in memory."""

    header: Header
    runs: tuple[Run, ...]
    warnings: tuple[str, ...] = ()


# --- analysed figures -----------------------------------------------------------------------------------


class Cell(Struct, frozen=True):
    """One figure of one case, ready to be written down."""

    workload: str
    family: Family
    interpreter: str
    threads: int
    parameters: Parameters
    gil: bool | None
    switch_interval: float | None
    cpus: int | None
    observers: tuple[str, ...]
    metric: str
    unit: str
    better: str
    value: float
    lo: float | None
    hi: float | None
    blocks: int
    samples: int | None = None  # single events behind a percentile or a fraction


class Comparison(Struct, frozen=True):
    """One figure of one case, divided by what it is held against."""

    workload: str  # or "family NAME", for the geometric mean over a family
    family: Family
    interpreter: str
    reference: str  # an interpreter of the same study, or "baseline"
    threads: int
    parameters: Parameters
    gil: bool | None
    switch_interval: float | None
    cpus: int | None
    metric: str
    better: str
    ratio: float | None  # None: not known
    lo: float | None
    hi: float | None
    verdict: Literal["improved", "regressed", "equivalent", "inconclusive"]
    reason: str | None  # why it is inconclusive
    blocks: int
    blocks_needed: int | None  # more of them that would decide it
    paired: bool  # taken inside blocks, or by a reference that both studies measured


class Finding(Struct, frozen=True):
    """One plain sentence with what it stands on."""

    kind: str
    text: str
    cells: tuple[dict[str, Any], ...] = ()


class Report(Struct, frozen=True):
    """Everything a renderer needs."""

    header: Header
    cells: tuple[Cell, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    failures: tuple[tuple[Case, Failure], ...]
