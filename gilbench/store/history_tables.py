"""The tables of the history, and what a study and its figures are in them.

A **series** is one figure of one case through all studies. What makes its values comparable is part of what
it is: the interpreter that ``relative`` was divided by, and the text of the workload's file. Its **order** is
the date of the commit, or of the study where no commit date is known: old commits can be measured later.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import msgspec
import sqlalchemy as sa

from gilbench.errors import StudyError
from gilbench.model import Cell, Count, Header, Name, Parameters, Processors, Seconds, Threads

VERSION = 1  # of the tables
Moment = Annotated[float, msgspec.Meta(ge=-62_135_596_800, le=253_402_300_799)]
"""s since 1970, in the years 1 to 9999: no other one has a date."""

_METADATA = sa.MetaData()
HISTORY = sa.Table("gilbench_history", _METADATA, sa.Column("version", sa.Integer, nullable=False))
STUDIES = sa.Table(
    "gilbench_studies",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False, unique=True),
    sa.Column("moment", sa.Double, nullable=False, index=True),  # s since 1970: what puts studies in order
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
    ),  # of all that follows: a name may be long
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
    sqlite_with_rowid=False,  # the key is the order on disk: a series is read in one sweep
)


class Entry(NamedTuple):
    """One study of the history.

    Attributes:
        id: Key in this database.
        digest: Of the study file.
        moment: s since 1970 UTC, of the commit or else of the study.
        created: When the study was made, ISO 8601.
        commit: What was measured, where it is known.
        branch: Where the commit was made.
        label: As the user likes.
        host: One line.
        reference_build: The reference interpreter with its version.
    """

    id: int
    digest: str
    moment: Moment
    created: str
    commit: str | None
    branch: str | None
    label: str | None
    host: str
    reference_build: str


class Series(NamedTuple):
    """One figure of one case through all studies; the fields are those of ``model.Cell``.

    ``reference`` is None where the figure stands for itself; ``workload_digest`` is empty where not known.
    """

    id: int
    workload: Name
    workload_digest: str
    interpreter: Name
    reference: str | None
    threads: Threads
    parameters: Parameters
    gil: bool | None
    switch_interval: Seconds | None
    cpus: Processors | None
    observers: tuple[str, ...]
    metric: Name
    unit: str
    better: str


class Point(NamedTuple):
    """What one study says about one series."""

    study: int  # Entry.id
    value: Annotated[float, msgspec.Meta(ge=0)]  # infinite: never served
    lo: float | None
    hi: float | None
    blocks: Count


def create_tables(connection: sa.Connection) -> None:
    """Create them, where there are none."""
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
    """Return what is kept of a study; see ``History.add``."""
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
    """All that makes two figures comparable, with a digest of it as its name."""
    fields = {
        "workload": _text(cell.workload),
        "workload_digest": _text(workload_digest),
        "interpreter": _text(cell.interpreter),
        "reference": _text(reference) if cell.metric == "relative" else None,
        "threads": cell.threads,
        "parameters": _text(msgspec.json.encode(cell.parameters).decode()),
        "gil": cell.gil,
        "switch_interval": cell.switch_interval,
        "cpus": cell.cpus,
        "observers": _text(msgspec.json.encode(cell.observers).decode()),
        "metric": _text(cell.metric),
        "unit": _text(cell.unit),
        "better": _text(cell.better),
    }
    return {**fields, "digest": hashlib.sha256(msgspec.json.encode(fields)).hexdigest()}


def read_series(row: sa.Row[Any]) -> Series:
    """Read a row of ``SERIES``, and check it."""
    fields = row._asdict()
    for name in ("parameters", "observers"):
        fields[name] = msgspec.json.decode(str(fields[name]))
    return msgspec.convert(tuple(fields.values()), Series)


def _moment(date: str) -> float:
    try:
        moment = datetime.fromisoformat(date)
    except ValueError as error:
        raise StudyError(
            f"{date[:40]!r} is no date by ISO 8601: the study was not written by gilbench"
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _text(text: str | None) -> str | None:
    """What any database can keep: no NUL, no half of a surrogate pair."""
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
