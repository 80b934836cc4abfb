"""The tables of the history, and the rows of a study and its results.

A **series** is one metric of one case across all studies. Its identity includes what makes its values comparable: the
reference of ``relative`` and ``relative_instructions``, and the digest of the workload's file. Its **order** is that of
the commit dates, since old commits can be measured later. If a commit date is unknown, the date of the study is used.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from gilbench.model.errors import StudyError
from gilbench.model.history import Series
from gilbench.model.results import Cell
from gilbench.model.study import Case, Header, Name, Struct

VERSION = 1  # of the tables

_METADATA = sa.MetaData()
HISTORY = sa.Table("gilbench_history", _METADATA, sa.Column("version", sa.Integer, nullable=False))
STUDIES = sa.Table(
    "gilbench_studies",
    _METADATA,
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
    _METADATA,
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
POINTS = sa.Table(
    "gilbench_points",
    _METADATA,
    sa.Column("series", sa.ForeignKey(SERIES.c.id), primary_key=True),
    sa.Column("study", sa.ForeignKey(STUDIES.c.id), primary_key=True),
    sa.Column("value", sa.Double, nullable=False),
    sa.Column("lo", sa.Double),
    sa.Column("hi", sa.Double),
    sa.Column("blocks", sa.Integer, nullable=False),
    sqlite_with_rowid=False,  # rows on disk are in the order of the key, so a series is contiguous
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


def create_tables(connection: sa.Connection) -> None:
    """Create the tables if they do not exist."""
    if not sa.inspect(connection).has_table(HISTORY.name):
        _METADATA.create_all(connection)
        connection.execute(sa.insert(HISTORY).values(version=VERSION))


def study_row(
    header: Header,
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
        "moment": _moment(committed or header.created),
        "created": _text(header.created),
        "commit": _text(commit),
        "branch": _text(branch),
        "label": _text(label),
        "host": _text(_host(header)),
        "reference_build": _text(_reference_build(header)),
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
    return Series(case=msgspec.convert(case, Case), **msgspec.structs.asdict(msgspec.convert(fields, _Rest)))


def _moment(date: str) -> float:
    try:
        moment = datetime.fromisoformat(date)
    except ValueError as error:
        raise StudyError(
            f"invalid date {date[:40]!r}: the study was not written by gilbench; measure it again"
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
