"""The JSON documents that gilbench writes, as types. ``gilbench schema`` publishes them as JSON schemas.

The documents are made in ``render/``, where a value and its case are one flat row. Rows are therefore derived from the
values here: their fields are those of the value, after those of its case. Infinity is null in JSON.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_type_hints

import msgspec

from gilbench.model.explanation import Explanation
from gilbench.model.fleet import FleetStatus
from gilbench.model.history import Entry, Point, Series
from gilbench.model.listings import OptionValue, WorkloadTest
from gilbench.model.machine import Machine
from gilbench.model.measurements import Measurement
from gilbench.model.profile import Profile
from gilbench.model.profile_results import Difference
from gilbench.model.releases import Answer, Release
from gilbench.model.results import Caveat, Cell, Comparison, Finding, HostKind, Known, ShortSlices
from gilbench.model.scores import COLUMNS, Basis, Score
from gilbench.model.selftest import GeneratedNoise, Promise
from gilbench.model.study import (
    Case,
    Effort,
    Failure,
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
    Value,
    Workload,
)
from gilbench.model.watch import WatchEvent, WatchInterval

Version = Annotated[int, msgspec.Meta(ge=1)]  # of the schema of a file


def _row(name: str, *values: type, optional: Any = (), **changes: Any) -> Any:
    """Return a type whose fields are those of several values; a change to None leaves one out.

    Files of earlier versions lack the optional fields, which are then None.
    """
    fields: dict[str, Any] = {}
    for value in values:
        fields |= get_type_hints(value, include_extras=True)
    fields |= changes
    kept = [
        (field, type_ | None, None) if field in optional else (field, type_)
        for field, type_ in fields.items()
        if type_ is not None
    ]
    return msgspec.defstruct(name, kept, bases=(Struct,), frozen=True, kw_only=True)


_Parameters = dict[Name, Value]
_OF_FLEETS = ("host", "hosts", "hosts_needed", "spread", "host_kind")  # only rows of fleets have them
_CellRow = _row(
    "CellRow",
    Case,
    Cell,
    optional=_OF_FLEETS,
    case=None,
    parameters=_Parameters,
    value=float | None,
    host_kind=str,
)
_ComparisonRow = _row(
    "ComparisonRow",
    Case,
    Comparison,
    optional=_OF_FLEETS,
    case=None,
    parameters=_Parameters,
    host_kind=str,
)
_JudgedRow = _row(
    "JudgedRow",
    Case,
    Comparison,
    optional=_OF_FLEETS,
    case=None,
    parameters=_Parameters,
    host_kind=str,
    status=Literal[
        "regressed",
        "known bad",
        "recovered",
        "unsettled",
        "improved",
        "inconclusive",
        "equivalent",
        "summary",
    ],
    known_reason=str | None,
)
_FailureRow = _row("FailureRow", Case, Failure)
_FailedRow = _row("FailedRow", Case, Failure, output=None)
_FindingRow = _row("FindingRow", Finding, cells=list[_CellRow])
_ScoreRow = _row("ScoreRow", Score, **{name: None for name in Score.__struct_fields__ if name not in COLUMNS})


_ReleaseRow = _row(
    "ReleaseRow",
    Release,
    optional=("workload",),
    case=None,
    workload=Name,
    interpreter=Name,
    gil=bool | None,
    parameters=_Parameters,
)
_EntryRow = _row("EntryRow", Entry, id=None, moment=None)
_SeriesRow = _row("SeriesRow", Case, Series, id=None, case=None, parameters=_Parameters)
_SeriesPoint = _row("SeriesPoint", Entry, Point, id=None, moment=None, study=None, value=float | None)
_SeriesPoints = _row("SeriesPoints", _SeriesRow, points=list[_SeriesPoint])
_PointRow = _row("PointRow", _EntryRow, _SeriesRow, _SeriesPoint)
_SIDES = ("last_good", "likely", "first_changed")
_ChangeRow = _row(
    "ChangeRow",
    _SeriesRow,
    **dict.fromkeys(_SIDES, str | None),
    **{f"{side}_study": str for side in _SIDES},
    **dict.fromkeys(("ratio", "lo", "hi", "p"), float | None),
    verdict=Literal["improved", "regressed", "changed"],
    notes=tuple[str, ...],
)


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
    cells: list[_CellRow]
    findings: list[_FindingRow]
    caveats: tuple[Caveat, ...]
    warnings: list[str]
    failures: list[_FailureRow]
    hosts: tuple[FleetHost, ...] = ()  # of a fleet; ``cells`` are then over hosts
    host_kinds: tuple[HostKind, ...] = ()
    host_cells: tuple[_CellRow, ...] = ()


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
    claims: list[_ScoreRow]
    properties: list[_ScoreRow]
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
    comparisons: list[_JudgedRow]
    failed: list[_FailedRow]
    unused_known_bad: tuple[Known, ...]
    warnings: list[str]
    caveats: tuple[Caveat, ...]
    explanations: tuple[Explanation, ...] = ()
    host_kinds: tuple[HostKind, ...] = ()  # of a fleet; ``comparisons`` are then over hosts
    host_comparisons: tuple[_ComparisonRow, ...] = ()
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

    comparisons: list[_ComparisonRow]
    caveats: tuple[Caveat, ...]
    warnings: list[str]
    threshold: float
    fdr: float
    host_kinds: tuple[HostKind, ...] = ()  # of a fleet; ``comparisons`` are then over hosts
    host_comparisons: tuple[_ComparisonRow, ...] = ()
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
    rows: list[_ReleaseRow]
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
    cells: list[_CellRow]
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

    studies: list[_EntryRow]


class SeriesDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="series"):
    """Series of results across the studies of a history."""

    fallback: str | None
    series: list[_SeriesPoints]


class ChangesDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="changes"):
    """Lasting changes in a history."""

    fallback: str | None
    changes: list[_ChangeRow]


class PointsDocument(Struct, frozen=True, kw_only=True, tag_field="kind", tag="points"):
    """Every result of a history."""

    points: list[_PointRow]


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
