"""The nouns of gilbench as frozen structs: what is measured, how, and what was seen.

Times are seconds, stamps are CLOCK_MONOTONIC seconds, sizes are bytes, fractions are 0 to 1.
``None`` always means "not known" or "not taken", never zero.

What is read from a file is checked against the bounds that stand here; what two fields say together is checked where
it is read. A bound is what no measurement can exceed, not what is usual.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

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
Name = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=0, le=2**53)]  # what a float holds to the last one
Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Number = Annotated[float, Meta(ge=-1e18, le=1e18)]
Amount = Annotated[float, Meta(ge=0, le=1e18)]  # of anything that cannot be less than nothing
Seconds = Annotated[float, Meta(ge=0, le=1e9)]  # 31 years
Lateness = Annotated[float, Meta(ge=-1e-3, le=1e9)]  # s; a timer may fire a tick of its clock early
Fraction = Annotated[float, Meta(ge=0, le=1)]
Threads = Annotated[int, Meta(ge=0, le=2**15)]
Processors = Annotated[int, Meta(ge=1, le=2**15)]
Processor = Annotated[int, Meta(ge=0, le=2**15)]  # its number
Rounds = Annotated[int, Meta(ge=0, le=10_000)]  # of anything that is done anew: blocks, slices, attempts
AtLeastOnce = Annotated[int, Meta(ge=1, le=10_000)]
Value = Integer | Number | str
Parameters = tuple[tuple[Name, Value], ...]


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all nouns."""


# --- interpreters ---------------------------------------------------------------------------------------


class Build(Struct, frozen=True):
    """What was compiled. A fact that the interpreter cannot name is None."""

    implementation: Name  # CPython, PyPy, Jython, Stackless, GraalPy, ... as the interpreter calls itself
    version: Name  # of the language, e.g. "3.13.5"
    version_info: tuple[Count, Count, Count]
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

    name: Name  # how tables call it, unique within a study: 3.13t, pypy3.9, jython2.7
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

    name: Name
    family: Family
    path: str
    digest: str  # of the file's text: another digest is another workload
    summary: str  # first line of its docstring
    driver: Driver
    unit: str  # of one operation, plural: "countdowns", "requests"
    foreground: str | None = None  # the workload that this one serves beside its CPU-bound threads
    peer: Peer | None = None  # how the process outside reaches it
    scheduled: bool = False  # all of it comes on schedule: latency is taken, and no throughput
    least_seconds: Seconds = 0.0  # of a scheduled part: a shorter one would not show what it is about
    parameters: dict[Name, Value] = {}
    choices: dict[
        Name, tuple[Value, ...]
    ] = {}  # parameters of which each value is a case of its own by default
    checksum: str | None = None  # of one operation with the default parameters, equal on every interpreter
    requires: tuple[str, ...] = ()  # e.g. "python>=3.12", "numpy"
    threads: tuple[Threads, ...] | None = None  # fixed thread counts; None: as asked
    core: bool = False  # one of the few that are run when nothing is asked for
    quiet_case: bool = False  # also measured with no thread at all, as what the others are compared with


# --- plan -----------------------------------------------------------------------------------------------


class Case(Struct, frozen=True):
    """One cell of the matrix."""

    workload: Name
    interpreter: Name
    threads: Threads  # threads of the workload; in mixed and signals: the CPU-bound threads beside it
    parameters: Parameters = ()  # sorted by name; only those that differ from the declaration
    gil: bool | None = None  # forced on or off; None: as the interpreter comes up
    switch_interval: Seconds | None = None  # s; None: the interpreter's default
    cpus: Processors | None = None  # how many CPUs the worker may use; None: one for one thread, else all
    observers: tuple[Name, ...] = ()  # what watches it; a timing case has none


class Profile(Struct, frozen=True):
    """How much effort is spent."""

    name: Name
    blocks: AtLeastOnce
    slices: AtLeastOnce  # timed slices of a run, more in a block of few of its cases
    slice_seconds: Annotated[float, Meta(gt=0, le=1e9)]  # of one or two threads; longer for more
    latency_seconds: Seconds  # open-loop part of a slice, and length of a signals slice
    warmup_seconds: Seconds  # at most, for a build that compiles as it runs
    few_choices: bool = False  # of a workload's declared choices only the defaults are measured


class Plan(Struct, frozen=True):
    """What will be run: ``blocks`` blocks, each one run of every case."""

    profile: Profile
    cases: tuple[Case, ...]
    seed: Integer
    reference: Name  # the interpreter that the others are divided by
    cpus: tuple[Processor, ...]  # that may be used
    seconds: Seconds  # how long it will take
    budget: Seconds | None = None  # s after which no block is begun; None: all blocks are run


# --- runs -----------------------------------------------------------------------------------------------


class ThreadSlice(Struct, frozen=True):
    """What one thread did in one slice."""

    tid: Count | None  # the kernel's
    start: Seconds
    finish: Seconds
    operations: Amount  # inside the steady window
    total: Count  # operations from start to finish
    cpu: Seconds | None  # s on the CPU from start to finish


class Slice(Struct, frozen=True):
    """One timed piece of a run."""

    round: Annotated[
        int, Meta(ge=-1, le=10_000)
    ]  # slices of one block with the same number were taken side by side
    start: Seconds
    end: Seconds
    window: Seconds  # s in which all threads were busy
    operations: Amount  # inside the window
    checksum: str
    gil_enabled: tuple[bool, bool]  # at the start and the end
    cpus: tuple[Processor, ...]  # the worker's CPU set in force, empty where the kernel did not say
    cpu: Seconds | None = None  # s of CPU time of the worker, by the kernel, from start to end
    threads: tuple[ThreadSlice, ...] = ()
    latencies: tuple[Lateness, ...] = ()  # s from the scheduled moment, of those that were ever answered
    offered: Count | None = None  # requests or signals sent on schedule
    served: Count | None = None  # answers: fewer than latencies where several signals were merged into one


class Share(Struct, frozen=True):
    """A named share of something, e.g. of the samples in which the GIL was held."""

    name: str
    value: Amount


class Reading(Struct, frozen=True):
    """What an observer saw of one run."""

    observer: Name
    figures: dict[Name, Amount] = {}  # by metric
    threads: tuple[Share, ...] = ()
    functions: tuple[Share, ...] = ()
    samples: Count | None = None
    unavailable: str | None = None  # the reason, where it saw nothing


class Environment(Struct, frozen=True):
    """What a run really ran with, as the worker says."""

    pid: Count
    clock: str
    switch_interval: Seconds | None = None  # s
    check_interval: Integer | None = None  # Python 2's ticks between releases
    loops: Count = 0  # operations between two readings of the clock
    backend: str | None = None  # which library or module does the work, where the workload says


class Failure(Struct, frozen=True):
    """Why a run failed."""

    kind: Name
    message: str
    output: str = ""  # end of what the worker wrote


class Noise(Struct, frozen=True):
    """What disturbed the host while a block was run."""

    load: Amount | None = None  # 1 min load average
    steal: Fraction | None = None  # fraction of CPU time taken by the hypervisor
    pressure: Fraction | None = None  # fraction of time in which some task waited for a CPU (PSI)


class Run(Struct, frozen=True):
    """One worker process serving one case."""

    case: Count  # index into the plan's cases
    block: Rounds
    attempt: Rounds  # how often this block had been begun before
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
    cores: Processors
    memory: Annotated[int, Meta(ge=1, le=2**53)]
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
