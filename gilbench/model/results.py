"""The results of a study: cells, comparisons, findings, caveats, and the verdict of a check.

Each result holds its case. Times are seconds, fractions are 0 to 1. ``None`` means "unknown" or "not measured", never
zero.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from gilbench.model.explanation import Explanation
from gilbench.model.study import (
    Case,
    Failure,
    Family,
    FleetHost,
    Header,
    Interpreter,
    Name,
    Struct,
    Threads,
    Value,
)


class HostKind(Struct, frozen=True):
    """A kind of host: the same CPU model, number of cores, machine, system, quota, and virtualisation."""

    label: str  # for example "AMD EPYC 7B13, 8 cores, kvm"
    hosts: tuple[Name, ...]


class HostSpread(Struct, frozen=True):
    """How much hosts differ in a value, beyond what the variation between blocks explains."""

    sd: float  # standard deviation between hosts, as a fraction of the value; of fractions, as it is
    lo: float  # of its 95% interval
    hi: float
    p: float  # of the hypothesis that hosts do not differ


class Cell(Struct, frozen=True):
    """One metric of one case, with its 95% interval."""

    case: Case
    family: Family
    metric: str
    unit: str
    better: str
    value: float
    lo: float | None
    hi: float | None
    blocks: int
    samples: int | None = None  # number of events behind a percentile or a fraction
    host: Name | None = None  # of a fleet, if the value is of this host alone
    hosts: int | None = None  # number of hosts that the value is over; None: it is of one host
    spread: HostSpread | None = (
        None  # between the hosts that the value is over; None: unknown, or of one host
    )


class Comparison(Struct, frozen=True):
    """One metric of one case, relative to the reference or the baseline."""

    case: Case  # its workload is ``family_title`` for the geometric mean over a family
    family: Family
    reference: str  # an interpreter of the same study, or "baseline"
    metric: str
    better: str
    ratio: float | None  # None: unknown
    lo: float | None
    hi: float | None
    verdict: Literal["improved", "regressed", "equivalent", "inconclusive"]
    reason: str | None  # why it is inconclusive
    blocks: int
    blocks_needed: int | None  # number of additional blocks that would decide it
    paired: bool  # computed within blocks, or relative to a reference of both studies
    host: Name | None = None  # of a fleet, if the row is of this host alone
    hosts: int | None = None  # number of hosts that the row is over; None: it is of one host
    hosts_needed: int | None = None  # number of additional hosts that would decide it
    spread: HostSpread | None = None  # between the hosts that the row is over; None: unknown, or of one host

    @property
    def is_mean(self) -> bool:
        """Whether this is the geometric mean over a family of workloads."""
        return self.case.workload == family_title(self.family)


def family_title(family: str) -> str:
    """Return the workload name of the geometric mean over a family."""
    return f"family {family}"


class Caveat(Struct, frozen=True):
    """A reason to doubt some results."""

    kind: str  # for programs: steal, governor, build, few_blocks, unavailable, ...
    text: str  # one sentence, without a period
    subject: str | None = None  # an interpreter, an observer, or a workload
    next: str | None = None  # the remedy, if known


class Finding(Struct, frozen=True):
    """One sentence, and the cells that it is based on."""

    kind: str  # for programs: scaling, convoy, signals, ...
    text: str
    subject: str | None = None  # a workload or an interpreter
    next: str | None = None  # the next step, if known
    cells: tuple[Cell, ...] = ()


class ShortSlices(Struct, frozen=True):
    """The short slices of a study: medians over its trains."""

    seconds: float  # length of a slice
    count: float  # slices of one run
    handover: float  # s from the end of a slice until the next worker runs


class HostGain(Struct, frozen=True):
    """What the host gives without an interpreter, on the CPUs of the cases with so many threads."""

    threads: int
    speedup: float  # of processes of a loop in C over one of them, median


class Report(Struct, frozen=True):
    """The results of a study."""

    header: Header
    cells: tuple[Cell, ...]
    findings: tuple[Finding, ...]
    caveats: tuple[Caveat, ...]
    failures: tuple[tuple[Case, Failure], ...]
    short_slices: ShortSlices | None = None  # None: all ratios are from long slices
    host_gains: tuple[HostGain, ...] = ()  # by number of threads; empty: not measured
    hosts: tuple[
        FleetHost, ...
    ] = ()  # of a fleet, those with runs; empty: the header's host measured the study
    kinds: tuple[HostKind, ...] = ()  # of these hosts
    host_cells: tuple[Cell, ...] = ()  # of each of these hosts; ``cells`` are over hosts

    @property
    def failed(self) -> bool:
        """Whether a run failed. An unsupported workload is not a failure."""
        return any(failure.kind != "unsupported" for _, failure in self.failures)


class ByHost(Struct, frozen=True):
    """What each host of a fleet has, in addition to the rows over hosts."""

    kinds: tuple[HostKind, ...]
    rows: tuple[Comparison, ...]  # of each host
    findings: tuple[Finding, ...]  # where hosts differ


class Comparisons(Struct, frozen=True):
    """The comparison of the interpreters of one study, or of two studies."""

    rows: tuple[Comparison, ...]
    caveats: tuple[Caveat, ...]
    threshold: float  # smallest change that matters, a fraction
    fdr: float  # false discovery rate, a fraction
    hosts: ByHost | None = None  # None: not of a fleet, or of two studies

    @property
    def inconclusive(self) -> bool:
        """Whether any row is inconclusive."""
        return any(row.verdict == "inconclusive" for row in self.rows)


# --- check ----------------------------------------------------------------------------------------------


class Known(Struct, frozen=True, forbid_unknown_fields=True):
    """A known regression, and why it is accepted. An omitted field matches everything."""

    reason: str
    workload: str = "*"  # name or pattern, like the next two
    interpreter: str = "*"
    metric: str = "*"
    threads: Threads | None = None
    parameters: dict[Name, Value] = msgspec.field(default_factory=dict)


class Expected(Struct, frozen=True):
    """A comparison that a known regression covers."""

    comparison: Comparison
    reason: str


class FailedCase(Struct, frozen=True):
    """A case with at least one failed run, and its first failure."""

    case: Case
    failure: Failure


class Gate(Struct, frozen=True):
    """The verdict of a check; each comparison is in exactly one of the lists.

    ``verdict`` is *regressed* if a row regressed that is not a known regression. It is *pass* if there are rows, all
    other rows are conclusive, and every run succeeded. It is *no baseline* if the history has nothing to compare with.
    Otherwise it is *inconclusive*. Means over families are a summary, and do not count.
    """

    verdict: Literal["pass", "regressed", "inconclusive", "no baseline"]
    regressed: tuple[Comparison, ...]
    known_bad: tuple[Expected, ...]  # known regressions that regressed
    recovered: tuple[Expected, ...]  # known regressions that are fixed
    unsettled: tuple[Expected, ...]  # known regressions that are inconclusive
    improved: tuple[Comparison, ...]
    inconclusive: tuple[Comparison, ...]
    equivalent: tuple[Comparison, ...]
    unused: tuple[Known, ...]  # known regressions that match no comparison
    failed: tuple[FailedCase, ...]
    summary: tuple[Comparison, ...] = ()  # geometric means over families


class Check(Struct, frozen=True):
    """A candidate compared with a baseline, and the verdict."""

    gate: Gate
    created: str  # creation time of the candidate, ISO 8601
    against: str  # the baseline: an interpreter, a file, or the history
    caveats: tuple[Caveat, ...]
    threshold: float  # smallest change that matters, a fraction
    fdr: float  # false discovery rate, a fraction
    interpreters: tuple[Interpreter, ...] = ()  # of the candidate's study
    exit_code: int = (
        0  # 1 regressed; 3 inconclusive, or no baseline, and strict; 4 failed runs; 130 interrupted
    )
    explanations: tuple[Explanation, ...] = ()  # of regressed cases, if requested
    hosts: ByHost | None = None  # which does not decide; None: not of a fleet
