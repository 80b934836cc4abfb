"""The tables of the history, and the rows of a study and its series.

A **series** is one metric of one case across all studies. Its identity includes what makes its values comparable: the
reference of ``relative`` and ``relative_instructions``, and the digest of the workload's file. Its **order** is that of
the commit dates, since old commits can be measured later. If a commit date is unknown, the date of the study is used.

The results of a study are **records**, one per metric; ``history_records.py`` has their format.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from gilbench.model.errors import StudyError
from gilbench.model.excerpt import excerpt
from gilbench.model.history import Series
from gilbench.model.metrics import METRICS
from gilbench.model.printed import UNKNOWN, PrintedResults
from gilbench.model.results import Cell
from gilbench.model.study import Case, Header, Name, Struct
from gilbench.store.history_records import PackedFigure, digest_of, pack

VERSION = 2  # of the tables; history_versions.py converts older ones

METADATA = sa.MetaData()
HISTORY = sa.Table("gilbench_history", METADATA, sa.Column("version", sa.Integer, nullable=False))
STUDIES = sa.Table(
    "gilbench_studies",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("moment", sa.Double, nullable=False, index=True),  # s since 1970; the order of studies
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("commit", sa.Text),
    sa.Column("branch", sa.Text),
    sa.Column("label", sa.Text),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("reference_build", sa.Text, nullable=False),
)
SERIES = sa.Table(
    "gilbench_series",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column(
        "digest", sa.String(64), nullable=False, unique=True
    ),  # of all columns below, since names may be long
    sa.Column("workload", sa.Text, nullable=False),
    sa.Column("workload_digest", sa.Text, nullable=False),
    sa.Column("interpreter", sa.Text, nullable=False),
    sa.Column("reference", sa.Text),
    sa.Column("threads", sa.Integer, nullable=False),
    sa.Column("parameters", sa.Text, nullable=False),
    sa.Column("gil", sa.Boolean),
    sa.Column("switch_interval", sa.Double),
    sa.Column("cpus", sa.Integer),
    sa.Column("observers", sa.Text, nullable=False),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("better", sa.Text, nullable=False),
)
LAYOUTS = sa.Table(
    "gilbench_layouts",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),  # of series
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("series", sa.LargeBinary, nullable=False),
)
# The order on disk is that of insertion: a new record fills the last page, and no page is split.
RECORDS = sa.Table(
    "gilbench_records",
    METADATA,
    sa.Column("layout", sa.ForeignKey(LAYOUTS.c.id), primary_key=True),
    sa.Column("study", sa.ForeignKey(STUDIES.c.id), primary_key=True),
    sa.Column("figures", sa.LargeBinary, nullable=False),
)

_CASE_COLUMNS = ("workload", "interpreter", "threads", "gil", "switch_interval", "cpus")
_TO_REFERENCE = frozenset({"relative", "relative_instructions"})  # metrics that depend on the reference
_AXIS = "@"  # prefix of an axis without its own column, which is stored with the parameters
_OTHER_AXES = tuple(
    name for name in Case.__struct_fields__ if name not in {*_CASE_COLUMNS, "parameters", "observers"}
)


class _Rest(Struct, frozen=True):
    """A row of ``SERIES`` without its case."""

    id: int
    workload_digest: str
    reference: str | None
    metric: Name
    unit: str
    better: str


class Origin(NamedTuple):
    """The description of results in the history."""

    created: str  # ISO 8601, or unknown
    host: str
    reference: str  # empty: there is none
    reference_build: str
    digests: Mapping[str, str]  # of workloads, by name


def origin_of(source: Header | PrintedResults) -> Origin:
    """Describe a study, or the printed results of another benchmark."""
    if isinstance(source, PrintedResults):
        build = f"{source.interpreter or UNKNOWN}, as printed by {source.tool}"
        return Origin(UNKNOWN, source.host or UNKNOWN, "", build, {})
    digests = {workload.name: workload.digest for workload in source.workloads}
    return Origin(source.created, _host(source), source.plan.reference, _reference_build(source), digests)


def study_row(
    about: Origin,
    digest: str,
    *,
    commit: str | None,
    committed: str | None,
    branch: str | None,
    label: str | None,
) -> dict[str, Any]:
    """Return the row of a study; see ``History.add``."""
    return {
        "digest": digest,
        "moment": _moment(committed or about.created),
        "created": _text(about.created),
        "commit": _text(commit),
        "branch": _text(branch),
        "label": _text(label),
        "host": _text(about.host),
        "reference_build": _text(about.reference_build),
    }


def series_row(cell: Cell, reference: str, workload_digest: str) -> dict[str, Any]:
    """Return the row of a series: everything that makes two values comparable, with its digest."""
    case = cell.case
    extra = [(f"{_AXIS}{name}", getattr(case, name)) for name in _OTHER_AXES]
    parameters = (*case.parameters, *(pair for pair in extra if pair[1] is not None))
    fields = {
        "workload": _text(case.workload),
        "workload_digest": _text(workload_digest),
        "interpreter": _text(case.interpreter),
        "reference": _text(reference) if cell.metric in _TO_REFERENCE else None,
        "threads": case.threads,
        "parameters": _text(msgspec.json.encode(parameters).decode()),
        "gil": case.gil,
        "switch_interval": case.switch_interval,
        "cpus": case.cpus,
        "observers": _text(msgspec.json.encode(case.observers).decode()),
        "metric": _text(cell.metric),
        "unit": _text(cell.unit),
        "better": _text(cell.better),
    }
    return {**fields, "digest": hashlib.sha256(msgspec.json.encode(fields)).hexdigest()}


def read_series(row: sa.Row[Any]) -> Series:
    """Read a row of ``SERIES``, and check it."""
    fields = {
        str(name): value for name, value in row._asdict().items()
    }  # SQLAlchemy's names are a subclass of str
    pairs = msgspec.convert(msgspec.json.decode(str(fields.pop("parameters"))), list[tuple[str, Any]])
    case = {
        **{name: fields.pop(name) for name in _CASE_COLUMNS},
        "observers": msgspec.json.decode(str(fields.pop("observers"))),
        "parameters": [pair for pair in pairs if not pair[0].startswith(_AXIS)],
        **{name[len(_AXIS) :]: value for name, value in pairs if name.startswith(_AXIS)},
    }
    rest = msgspec.convert(fields, _Rest)
    known = METRICS.get(rest.metric)  # None: of another version of gilbench
    if known is not None and (rest.unit, rest.better) != (known.unit, known.better):
        raise msgspec.ValidationError(f"{rest.metric} has another unit or direction")
    return Series(case=msgspec.convert(case, Case), **msgspec.structs.asdict(rest))


def _moment(date: str) -> float:
    try:
        moment = datetime.fromisoformat(date)
    except ValueError as error:
        raise StudyError(
            f"invalid date {excerpt(date, 40)!r}: the study was not written by gilbench; measure it again"
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _text(text: str | None) -> str | None:
    """Return a text that every database can store, without NUL and lone surrogates."""
    if text is None:
        return None
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _host(header: Header) -> str:
    host = header.host
    return f"{host.cpu_model}, {host.cores} cores, {host.system} {host.kernel} {host.machine}"


def _reference_build(header: Header) -> str:
    name = header.plan.reference
    builds = [interpreter.build for interpreter in header.interpreters if interpreter.name == name]
    return " ".join([name, *(f"({build.implementation} {build.version})" for build in builds)])


def insert_series(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Insert the series that do not exist yet. Return the keys of all series of their workloads, by digest."""
    workloads = {row["workload"] for row in rows}
    query = sa.select(SERIES.c.digest, SERIES.c.id).where(SERIES.c.workload.in_(workloads))
    keys: dict[str, int] = {row.digest: row.id for row in connection.execute(query)}
    new = [row for row in rows if row["digest"] not in keys]
    if new:
        connection.execute(sa.insert(SERIES), sorted(new, key=itemgetter("digest")))
        keys = {row.digest: row.id for row in connection.execute(query)}
    return keys


def insert_records(
    connection: sa.Connection, study: int, figures: Iterable[tuple[str, PackedFigure]]
) -> None:
    """Insert the figures of one study, each with the name of its metric."""
    metrics: dict[str, list[PackedFigure]] = {}
    for metric, figure in figures:
        metrics.setdefault(metric, []).append(figure)
    packed = {metric: pack(same) for metric, same in metrics.items()}
    digests = {metric: digest_of(layout) for metric, (layout, _) in packed.items()}
    query = sa.select(LAYOUTS.c.digest, LAYOUTS.c.id).where(LAYOUTS.c.digest.in_(digests.values()))
    keys: dict[str, int] = {row.digest: row.id for row in connection.execute(query)}
    records = []
    for metric, (layout, record) in packed.items():
        digest = digests[metric]
        if digest not in keys:
            keys[digest] = insert(connection, LAYOUTS, digest=digest, metric=metric, series=layout)
        records.append({"layout": keys[digest], "study": study, "figures": record})
    if records:
        connection.execute(sa.insert(RECORDS), records)


def insert(connection: sa.Connection, table: sa.Table, **row: Any) -> int:
    """Insert one row, and return its key."""
    key = connection.execute(sa.insert(table).values(row)).inserted_primary_key
    return int(key[0]) if key else 0
