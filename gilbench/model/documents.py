"""The JSON documents that gilbench writes, as types. ``gilbench schema`` publishes them as JSON schemas.

The documents are made in ``render/``, where a value and its case are one flat row (``model/rows.py``). Infinity is null
in JSON.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from gilbench.model.explanation import Explanation
from gilbench.model.fleet import FleetStatus
from gilbench.model.listings import OptionValue, WorkloadTest
from gilbench.model.machine import Machine
from gilbench.model.measurements import Measurement
from gilbench.model.profile import Profile
from gilbench.model.profile_results import Difference
from gilbench.model.releases import Answer
from gilbench.model.results import Caveat, HostKind, Known, ShortSlices
from gilbench.model.rows import (
    CellRow,
    ChangeRow,
    ComparisonRow,
    EntryRow,
    FailedRow,
    FailureRow,
    FindingRow,
    JudgedRow,
    PointRow,
    ReleaseRow,
    ScoreRow,
    SeriesPoints,
)
from gilbench.model.scores import Basis, Score
from gilbench.model.selftest import GeneratedNoise, Promise
from gilbench.model.study import (
    Effort,
    FleetHost,
    Fraction,
    Header,
    Host,
    Integer,
    Interpreter,
    Name,
    Plan,
    Run,
    Struct,
    Unusable,
    Workload,
)
from gilbench.model.watch import WatchEvent, WatchInterval

Version = Annotated[int, msgspec.Meta(ge=1)]  # of the schema of a file


class StudyLine(Header, frozen=True, kw_only=True, tag_field="kind", tag="study"):
    """First line of a study."""

    schema: Version


class RunLine(Run, frozen=True, kw_only=True, tag_field="kind", tag="run"):
    """A later line of a study: a finished run."""


class HostLine(FleetHost, frozen=True, kw_only=True, tag_field="kind", tag="host"):
    """A later line of a study: a host of a fleet, before its first run."""


class ReportDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="study"):
    """The results of a study, as ``run`` and ``report`` write them as JSON."""

    schema: Version
    gilbench: str
    created: str
    host: Host
    profile: Effort
    short_slices: ShortSlices | None
    reference: Name
    seed: Integer
    interpreters: tuple[Interpreter, ...]
    cells: list[CellRow]
    findings: list[FindingRow]
    caveats: tuple[Caveat, ...]
    warnings: list[str]
    failures: list[FailureRow]
    hosts: tuple[FleetHost, ...] = ()  # of a fleet; ``cells`` are then over hosts
    host_kinds: tuple[HostKind, ...] = ()
    host_cells: tuple[CellRow, ...] = ()


class ProfileDocument(Profile, frozen=True, kw_only=True, tag_field="kind", tag="profile"):
    """A profile."""

    schema: Version
    gilbench: str
    unavailable: list[str]


class ScorecardDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="scorecard"):
    """A scorecard."""

    schema: Version
    gilbench: str
    created: str
    host: Host
    interpreters: tuple[Interpreter, ...]
    claims: list[ScoreRow]
    properties: list[ScoreRow]
    bases: tuple[Basis, ...]


class ScoresDocument(Struct, frozen=True):
    """The requirements of a scorecard, saved next to its study."""

    schema: Version
    properties: tuple[Score, ...]


class CheckDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="check"):
    """A check of studies."""

    schema: Version
    verdict: Literal["pass", "regressed", "inconclusive", "no baseline"]
    exit_code: int
    created: str
    against: str
    threshold: float
    fdr: float
    interpreters: tuple[Interpreter, ...]
    comparisons: list[JudgedRow]
    failed: list[FailedRow]
    unused_known_bad: tuple[Known, ...]
    warnings: list[str]
    caveats: tuple[Caveat, ...]
    explanations: tuple[Explanation, ...] = ()
    host_kinds: tuple[HostKind, ...] = ()  # of a fleet; ``comparisons`` are then over hosts
    host_comparisons: tuple[ComparisonRow, ...] = ()
    host_findings: tuple[str, ...] = ()


class LimitRow(Struct, frozen=True):
    """A limit of a profile."""

    limit: str
    threads: str | None
    metric: str
    unit: str
    bound: float
    side: Literal["most", "least"]
    value: float
    lo: float | None
    hi: float | None
    count: int
    verdict: Literal["pass", "exceeded", "inconclusive"]


class LimitsDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="limits"):
    """A profile held to limits."""

    schema: Version
    verdict: Literal["pass", "exceeded", "inconclusive"]
    exit_code: int
    profile: str
    limits: list[LimitRow]
    warnings: list[str]
    caveats: tuple[Caveat, ...]


class ComparisonDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="comparison"):
    """A comparison of interpreters, or of two studies."""

    comparisons: list[ComparisonRow]
    caveats: tuple[Caveat, ...]
    warnings: list[str]
    threshold: float
    fdr: float
    host_kinds: tuple[HostKind, ...] = ()  # of a fleet; ``comparisons`` are then over hosts
    host_comparisons: tuple[ComparisonRow, ...] = ()
    host_findings: tuple[str, ...] = ()


class ProfileComparisonDocument(
    Struct, frozen=True, kw_only=True, tag_field="kind", tag="profile comparison"
):
    """A comparison of two profiles."""

    before: str
    after: str
    differences: tuple[Difference, ...]
    caveats: tuple[Caveat, ...]
    warnings: list[str]
    threshold: float


class MeasurementsDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="measurements"):
    """What the tests of one test session measured."""

    schema: Version
    gilbench: str
    created: str
    rows: tuple[Measurement, ...]
    saved: str | None
    note: str | None
    check: CheckDocument | None


class ReleasesDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="releases"):
    """Whether a call releases the GIL, as ``releases`` writes it."""

    schema: Version
    gilbench: str
    created: str
    code: str
    answer: Answer
    at_least: Fraction
    interpreters: tuple[Interpreter, ...]
    rows: list[ReleaseRow]
    interrupted: bool = False


class WatchDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="watch"):
    """What a watch saw."""

    intervals: tuple[WatchInterval, ...]
    events: tuple[WatchEvent, ...]


class PrintedDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="printed results"):
    """What another benchmark printed, as ``report`` writes it. Null: the benchmark does not say."""

    schema: Version
    tool: Name
    file: str
    interpreter: Name | None
    host: str | None
    cells: list[CellRow]
    caveats: tuple[Caveat, ...]
    warnings: list[str]


class PlanDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="plan"):
    """The plan of a run, as ``run --dry-run`` writes it."""

    plan: Plan
    interpreters: tuple[Interpreter, ...]
    workloads: tuple[Workload, ...]


class FleetDocument(FleetStatus, frozen=True, kw_only=True, tag_field="kind", tag="fleet"):
    """The hosts of a fleet, as ``fleet status`` writes them."""

    schema: Version


class MachineDocument(Machine, frozen=True, kw_only=True, tag_field="kind", tag="machine"):
    """A machine, as ``system`` writes it."""

    schema: Version


class SelftestDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="selftest"):
    """The promises of the method, as ``selftest`` measures them."""

    noise: GeneratedNoise | None
    checks: list[Promise]


class WorkloadsDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="workloads"):
    """The catalogue."""

    workloads: list[Workload]


class WorkloadTestsDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="workload tests"):
    """Workloads tested on interpreters."""

    trials: list[WorkloadTest]


class StudiesDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="studies"):
    """The studies of a history."""

    studies: list[EntryRow]


class SeriesDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="series"):
    """Series of results across the studies of a history."""

    fallback: str | None
    series: list[SeriesPoints]


class ChangesDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="changes"):
    """Lasting changes in a history."""

    fallback: str | None
    changes: list[ChangeRow]


class PointsDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="points"):
    """Every result of a history."""

    points: list[PointRow]


class InterpretersDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="interpreters"):
    """The interpreters of a machine."""

    interpreters: tuple[Interpreter, ...]
    unusable: tuple[Unusable, ...]


class ConfigurationDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="configuration"):
    """The options that a file sets, as ``config`` writes them."""

    file: str | None
    settings: tuple[OptionValue, ...]


# The type of each document by its name; of JSON Lines, the types of the lines.
DOCUMENTS: dict[str, Any] = {
    "study": StudyLine | RunLine | HostLine,
    "report": ReportDocument,
    "profile": ProfileDocument,
    "scorecard": ScorecardDocument,
    "scores": ScoresDocument,
    "check": CheckDocument,
    "limits": LimitsDocument,
    "comparison": ComparisonDocument,
    "profile-comparison": ProfileComparisonDocument,
    "releases": ReleasesDocument,
    "watch": WatchDocument,
    "measurements": MeasurementsDocument,
    "printed": PrintedDocument,
    "plan": PlanDocument,
    "fleet": FleetDocument,
    "machine": MachineDocument,
    "selftest": SelftestDocument,
    "interpreters": InterpretersDocument,
    "workloads": WorkloadsDocument,
    "workload-tests": WorkloadTestsDocument,
    "studies": StudiesDocument,
    "series": SeriesDocument,
    "changes": ChangesDocument,
    "points": PointsDocument,
    "configuration": ConfigurationDocument,
}
LINES = frozenset({"study"})  # JSON Lines: the schema is that of each line
