"""The values of a study: interpreters, workloads, the plan, the runs, and the host.

Times are seconds, stamps are CLOCK_MONOTONIC seconds, sizes are bytes, fractions are 0 to 1.
``None`` means "unknown" or "not measured", never zero.

Values from files are checked against the bounds of these types. A bound is the physical limit, not the usual range.
``store/integrity.py`` checks that fields agree with each other.
"""

from __future__ import annotations

import shlex
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Family = Literal["cpu", "offgil", "io", "mixed", "signals", "shared", "alternatives", "own"]
Driver = Literal[
    "parallel",  # N threads repeat an operation
    "service",  # the main thread serves the load generator
    "signals",  # the load generator or a timer sends signals
    "inside",  # the main thread works without a load generator
    "processes",  # like parallel, but not with threads; so are the next two
    "subinterpreters",
    "cooperative",
    "command",  # each slice is one run of a program, which gilbench starts
]
Peer = Literal["tcp", "unix", "udp", "pipe", "http", "jobs", "signals"]
Name = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=0, le=2**53)]  # a float holds these exactly
Positive = Annotated[int, Meta(ge=1, le=2**53)]
Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Number = Annotated[float, Meta(ge=-1e18, le=1e18)]
Amount = Annotated[float, Meta(ge=0, le=1e18)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]  # 31 years
Lateness = Annotated[float, Meta(ge=-1e-3, le=1e9)]  # s; a timer may fire one clock tick early
Fraction = Annotated[float, Meta(ge=0, le=1)]
MOST_THREADS = 2**15
Threads = Annotated[int, Meta(ge=0, le=MOST_THREADS)]
Processors = Annotated[int, Meta(ge=1, le=2**15)]
Processor = Annotated[int, Meta(ge=0, le=2**15)]  # number of a CPU
Rounds = Annotated[int, Meta(ge=0, le=10_000)]  # number of blocks, slices, or attempts
AtLeastOnce = Annotated[int, Meta(ge=1, le=10_000)]
LARGEST_PLAN = 10_000_000  # blocks; a fleet has many
Block = Annotated[int, Meta(ge=0, le=LARGEST_PLAN)]  # number of a block, counted from 0
Blocks = Annotated[int, Meta(ge=1, le=LARGEST_PLAN)]
Value = Integer | Number | str
Parameters = tuple[tuple[Name, Value], ...]
Variables = tuple[tuple[Name, str], ...]  # of the environment, sorted by name


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base class of the values."""


# --- interpreters ---------------------------------------------------------------------------------------


class Build(Struct, frozen=True):
    """The build of an interpreter, as the interpreter reports it. None: the interpreter does not report it."""

    implementation: Name  # CPython, PyPy, Jython, Stackless, GraalPy, ...
    version: Name  # of the language, for example "3.13.5"
    version_info: tuple[Count, Count, Count]
    implementation_version: str | None = None  # if it differs, for example PyPy's 7.3.11
    free_threaded: bool = False
    debug: bool | None = None
    pgo: bool | None = None
    lto: bool | None = None
    optimisation: str | None = None  # last -O flag of the compiler command, for example "-O3"
    jit: bool | None = None  # whether code is compiled while it runs, as it is started
    jit_kind: Literal["native", "interpreter"] | None = None
    """Output of a JIT that can be switched on and off: machine code, or micro-operations. None: no such JIT."""
    tail_calls: bool | None = None  # bytecodes end with a call of the next one, instead of a jump; since 3.14
    libpython: Literal["shared", "static"] | None = None
    compiler: str | None = None
    machine: str | None = None  # for example x86_64
    gil_symbols: tuple[str, ...] = ()  # symbols that probes need, in the binary or its libpython
    stripped: bool | None = None  # without local symbols, which the exact probes need


class Interpreter(Struct, frozen=True):
    """An executable that can be launched, how it is launched, and its build."""

    name: Name  # its name in tables, unique within a study: 3.13t, pypy3.9, jython2.7
    executable: str  # the file to launch
    binary: str  # the real file behind wrappers, shims, and links
    build: Build
    gil_enabled: bool  # as it is started
    library: str | None = None  # its libpython; None: static
    options: tuple[str, ...] = ()  # of the interpreter, before the script: ("-X", "importtime")
    environment: Variables = ()  # in addition to that of gilbench

    @property
    def command(self) -> tuple[str, ...]:
        """The command without its script."""
        return self.executable, *self.options

    @property
    def command_line(self) -> str:
        """The command with its variables, as for a shell: ``A=1 /usr/bin/python3 -O``."""
        settings = [f"{name}={shlex.quote(value)}" for name, value in self.environment]
        return " ".join([*settings, shlex.join(self.command)])

    @property
    def started(self) -> tuple[tuple[str, ...], Variables]:
        """The command and the variables: what makes two interpreters different, even of one build."""
        return self.command, self.environment


class Unusable(Struct, frozen=True):
    """An executable that is named like an interpreter but cannot be used."""

    executable: str
    reason: str


# --- workloads ------------------------------------------------------------------------------------------


class Command(Struct, frozen=True):
    """How a program is run. Words may contain ``{python}``, ``{threads}``, ``{port}``, and ``{PARAMETER}``."""

    commands: dict[Name, tuple[str, ...]]  # words by name; with a shell, a single word for it
    folder: str  # where it runs
    shell: bool = False  # /bin/sh runs the words
    prepare: tuple[str, ...] = ()  # runs before each run
    cleanup: tuple[str, ...] = ()  # runs after the runs of a block
    ready: str | None = None  # the program is a server: port NUMBER, line REGEX, or file PATH
    load: tuple[str, ...] = ()  # the command that is timed while the server runs
    input: str | None = None  # file for its stdin; None: stdin is empty
    warmup: Rounds = 0  # runs at the start of a block that are discarded
    timeout: Seconds = 300.0
    ignore_failure: bool = False  # any exit status is a success


class Workload(Struct, frozen=True):
    """The declaration of a workload, read from its file without running the file."""

    name: Name
    family: Family
    path: str
    digest: str  # of the file's text; files with different digests are different workloads
    summary: str  # first line of its docstring
    driver: Driver
    unit: str  # of one operation, plural: "countdowns", "requests"
    foreground: str | None = None  # the workload that serves; this one adds CPU-bound threads to it
    peer: Peer | None = None  # how the load generator reaches it; None: it needs none
    scheduled: bool = False  # open loop only: it has latencies but no throughput
    least_seconds: Seconds = 0.0  # minimum length of the open-loop part
    parameters: dict[Name, Value] = {}
    choices: dict[Name, tuple[Value, ...]] = {}  # parameters; by default, each value is a separate case
    checksum: str | None = None  # of one operation with default parameters, equal on every interpreter
    requires: tuple[str, ...] = ()  # for example "python>=3.12", "numpy"
    threads: tuple[Threads, ...] | None = None  # fixed thread counts; None: as requested
    core: bool = False  # in the default set
    quiet_case: bool = False  # also measured unloaded, that is with 0 added threads
    operation_seconds: Seconds = 0.0  # of an operation that is longer than a slice; 0: it is shorter
    command: Command | None = None  # what the driver of commands runs


# --- plan -----------------------------------------------------------------------------------------------


class Case(Struct, frozen=True):
    """One cell of the matrix."""

    workload: Name
    interpreter: Name
    threads: Threads  # of the workload; in mixed and signals: added CPU-bound threads
    parameters: Parameters = ()  # sorted by name; only those that differ from the declaration
    gil: bool | None = None  # forced on or off; None: the interpreter's default
    jit: bool | None = None  # likewise
    switch_interval: Seconds | None = None  # s; None: the interpreter's default
    cpus: Processors | None = None  # number of CPUs of the worker; None: 1 for one thread, else all
    observers: tuple[Name, ...] = ()  # empty for a case that is timed; "instructions": counted, not timed


class Effort(Struct, frozen=True):
    """An effort level."""

    name: Name
    blocks: Blocks  # of all hosts together
    slices: AtLeastOnce  # long slices of a run; a block of few cases has more
    slice_seconds: Annotated[float, Meta(gt=0, le=1e9)]  # with one or two threads; longer with more
    latency_seconds: Seconds  # length of the open-loop part of a slice, and of a slice of signals
    warmup_seconds: Seconds  # maximum warm-up of a build with a JIT compiler
    few_choices: bool = False  # measure only the defaults of a workload's choices
    long_every: AtLeastOnce = 1  # every how many blocks have long slices; the others have only trains
    train_seconds: Seconds = 0.0  # length of the short slices of one run together; 0: no trains


class Plan(Struct, frozen=True):
    """The plan of a study: ``effort.blocks`` blocks, each one run of every case."""

    effort: Effort = msgspec.field(name="profile")  # its name in files
    cases: tuple[Case, ...]
    seed: Integer
    reference: Name  # the interpreter that the others are compared with
    cpus: tuple[Processor, ...]  # CPUs that are used; on hosts with unequal cores, those of one kind
    seconds: Seconds  # estimated duration
    budget: Seconds | None = None  # s after which no block starts; None: all blocks are run
    command: Name | None = None  # the command that others are compared with on the same interpreter


# --- runs -----------------------------------------------------------------------------------------------


class ThreadSlice(Struct, frozen=True):
    """The work of one thread in one slice."""

    tid: Count | None  # of the kernel
    start: Seconds
    finish: Seconds
    operations: Amount  # inside the window
    total: Count  # operations from start to finish
    cpu: Seconds | None  # CPU time from start to finish


class Slice(Struct, frozen=True):
    """One timed segment of a run."""

    round: Annotated[int, Meta(ge=-1, le=10_000)]  # slices of a round are neighbors in time; -1: warm-up
    start: Seconds
    end: Seconds
    window: Seconds  # s in which all threads were busy
    operations: Amount  # inside the window
    checksum: str
    gil_enabled: tuple[bool, bool] | None  # at the start and the end; None: unknown, as of a command
    cpus: tuple[Processor, ...]  # CPU affinity of the worker; empty: unknown
    cpu: Seconds | None = None  # CPU time of the worker from start to end, from the kernel
    system: Seconds | None = None  # the part of ``cpu`` in the kernel, of a command
    memory: Count | None = None  # peak resident memory of a command; None: unknown, or less than can be told
    threads: tuple[ThreadSlice, ...] = ()
    latencies: tuple[Lateness, ...] = ()  # s since the scheduled time, of what was answered, in that order
    offered: Count | None = None  # requests or signals sent on schedule
    served: Count | None = (
        None  # answers, or calls of the handler: fewer than latencies if signals were merged
    )


class Train(Struct, frozen=True):
    """The short slices of one run in a train: the workers of a block serve them in turn, one after the other.

    Each lap of a train has one slice of every worker, so slices of the same lap are neighbors in time.
    """

    loops: Positive  # operations in each slice
    nanoseconds: Annotated[tuple[Positive, ...], Meta(min_length=1)]  # length of each slice, by lap
    cpu_nanoseconds: tuple[Count, ...]  # CPU time of each slice, by lap
    handover: Seconds  # s from the end of a slice until the next worker runs, if the CPU is free
    lead: Seconds  # s of untimed operations before each slice
    checksum: str
    gil_enabled: tuple[bool, bool]  # at the start and the end
    cpus: tuple[Processor, ...]  # CPU affinity of the worker; empty: unknown


class Share(Struct, frozen=True):
    """A named share, for example of the samples in which the GIL was held."""

    name: str
    value: Amount


class Reading(Struct, frozen=True):
    """The observation of one run by one observer."""

    observer: Name
    figures: dict[Name, Amount] = {}  # by metric
    threads: tuple[Share, ...] = ()
    functions: tuple[Share, ...] = ()
    samples: Count | None = None
    unavailable: str | None = None  # why nothing was observed
    by: str | None = None  # the tool that counted instructions


class Environment(Struct, frozen=True):
    """The environment of a run, as the worker reports it."""

    pid: Count
    clock: str
    switch_interval: Seconds | None = None  # s
    check_interval: Integer | None = None  # Python 2: ticks between releases of the GIL
    loops: Count = 0  # operations between two reads of the clock
    backend: str | None = None  # library or module that does the work, if the workload reports it
    gil_enabled: bool | None = None  # after the workload was loaded
    jit_enabled: bool | None = None  # likewise; None: unknown, or not asked for


class Failure(Struct, frozen=True):
    """The reason why a run failed."""

    kind: Name
    message: str
    output: str = ""  # end of the worker's output


class Noise(Struct, frozen=True):
    """Disturbances of the host during a block."""

    load: Amount | None = None  # load average over 1 minute
    steal: Fraction | None = None  # fraction of CPU time taken by the hypervisor
    pressure: Fraction | None = None  # fraction of time in which some task waited for a CPU (PSI)
    throttled: Fraction | None = (
        None  # fraction of periods in which the CPU quota stopped all; None: no quota
    )


class Control(Struct, frozen=True):
    """What the host gives without the interpreter, measured on the CPUs of a run, next to its slices."""

    speedup: Amount | None = None  # of one process of a loop in C on each CPU, relative to one process alone
    lateness: Seconds | None = None  # s, median of a timer on the CPU of the load generator


class Run(Struct, frozen=True):
    """One worker process serving one case."""

    case: Count  # index into the plan's cases
    block: Block
    attempt: Rounds  # number of earlier attempts at this block
    host: Name | None = None  # name of the host of a fleet; None: the study's own host
    environment: Environment | None = None
    slices: tuple[Slice, ...] = ()
    train: Train | None = None  # None: its slices are long
    readings: tuple[Reading, ...] = ()
    control: Control | None = None  # None: the run has neither threads to compare nor a schedule
    failure: Failure | None = None
    interrupted: bool = False
    noise: Noise | None = None


# --- study ----------------------------------------------------------------------------------------------


class Cpu(Struct, frozen=True):
    """A CPU of the operating system. Several CPUs can be one physical core (hyper-threads, siblings)."""

    number: Processor
    core: Processor  # lowest number of the CPUs of its core
    kind: Count = 0  # of core, 0 for the fastest
    cache: Processor | None = None  # lowest number of the CPUs that share its last-level cache
    node: Count = 0  # of memory (NUMA)


class Host(Struct, frozen=True):
    """The host of a study."""

    system: str
    kernel: str
    machine: str
    cpu_model: str
    cores: Processors  # physical cores of one kind that can be used, at most the quota
    memory: Annotated[int, Meta(ge=1, le=2**53)]
    governor: str | None = None
    virtualisation: str | None = None
    root: bool = False
    cpus: tuple[Cpu, ...] = ()  # CPUs that can be used; empty: unknown
    quota: Annotated[float, Meta(gt=0, le=1e6)] | None = None  # CPU time per time that cgroups permit
    busy: Fraction | None = None  # fraction of the CPU time that was used just before the study


class Header(Struct, frozen=True):
    """First line of a study file."""

    gilbench: str
    created: str  # ISO 8601, UTC
    host: Host
    plan: Plan
    interpreters: tuple[Interpreter, ...]
    workloads: tuple[Workload, ...]


class FleetHost(Struct, frozen=True):
    """A host that measured blocks of a study for a fleet. A block is measured by one host."""

    name: Name  # unique within a study
    host: Host
    cpus: tuple[Processor, ...]  # CPUs that are used, as in a plan
    interpreters: tuple[Interpreter, ...]  # those of the header by name, as they are on this host


class Study(Struct, frozen=True):
    """A study: its header, its runs, and the hosts of the fleet that measured it."""

    header: Header
    runs: tuple[Run, ...]
    hosts: tuple[FleetHost, ...] = ()  # empty: the header's host measured it
    warnings: tuple[str, ...] = ()
