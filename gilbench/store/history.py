"""The history: figures of many studies in one database, SQLite by default, any other by URL.

A **series** is one figure of one case through all studies. What makes its values comparable is part of what
it is: the interpreter that ``relative`` was divided by, and the text of the workload's file. Its **order** is
the date of the commit, or of the study where no commit date is known: old commits can be measured later.
"""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import msgspec
import sqlalchemy as sa
from platformdirs import user_data_path
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, ProgrammingError, SQLAlchemyError

from gilbench.errors import StudyError, UsageError
from gilbench.model import Cell, Header, Parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_T = TypeVar("_T")

VERSION = 1  # of the tables
PATIENCE = 30  # s that a writer waits for another one
ATTEMPTS = 5  # at writing, where a server let another writer be faster
_OVERTAKEN = (IntegrityError, ProgrammingError)  # another writer made the same row or table a moment before
# What is wrong with a database: Python's own errors come unwrapped from the driver, msgspec finds wrong types.
_BROKEN = (SQLAlchemyError, OverflowError, UnicodeError, msgspec.MsgspecError)

_tables = sa.MetaData()
_history = sa.Table("gilbench_history", _tables, sa.Column("version", sa.Integer, nullable=False))
_studies = sa.Table(
    "gilbench_studies",
    _tables,
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
_series = sa.Table(
    "gilbench_series",
    _tables,
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
_points = sa.Table(
    "gilbench_points",
    _tables,
    sa.Column("series", sa.ForeignKey(_series.c.id), primary_key=True),
    sa.Column("study", sa.ForeignKey(_studies.c.id), primary_key=True),
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
    moment: float
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
    workload: str
    workload_digest: str
    interpreter: str
    reference: str | None
    threads: int
    parameters: Parameters
    gil: bool | None
    switch_interval: float | None
    cpus: int | None
    observers: tuple[str, ...]
    metric: str
    unit: str
    better: str


class Point(NamedTuple):
    """What one study says about one series."""

    study: int  # Entry.id
    value: float
    lo: float | None
    hi: float | None
    blocks: int


def default_database() -> Path:
    """Where the history is kept where no other place is named."""
    return user_data_path("gilbench") / "history.sqlite"


class History:
    """A history in a database.

    Args:
        database: A file (SQLite) or the URL of a database, as SQLAlchemy writes them.
        create: Create what is missing; otherwise a history that is not there is an error.

    Raises:
        UsageError: The URL is wrong, its driver is not installed, or there is no history yet.
        StudyError: The database cannot be opened, is damaged, or was written by a newer gilbench.
    """

    def __init__(self, database: str | Path, *, create: bool = False) -> None:
        url = _address(database)
        self._file = Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
        self.name = str(self._file or url.render_as_string(hide_password=True))
        if self._file and create:
            _make_folder(self._file.parent)
        elif self._file and not self._file.exists():
            raise self._absent()
        try:
            self._engine = sa.create_engine(url)
        except (ArgumentError, NoSuchModuleError) as error:
            raise UsageError(f"cannot use --database {self.name}: {_first_line(error)}") from error
        except ModuleNotFoundError as error:
            raise UsageError(f"--database {self.name} needs a driver: pip install {error.name}") from error
        if self._file:
            sa.event.listen(self._engine, "connect", _set_up_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
        try:
            if create:
                self._write(_create_tables)
            self._read(self._check_version)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(
        self,
        header: Header,
        cells: Sequence[Cell],
        digest: str,
        *,
        commit: str | None = None,
        committed: str | None = None,
        branch: str | None = None,
        label: str | None = None,
    ) -> bool:
        """Add the figures of a study, all or none.

        Args:
            header: Of the study.
            cells: Its figures; one that is not a number is left out, as one that was not taken.
            digest: Of the study file, hexadecimal, at most 64 characters.
            commit: What was measured.
            committed: When the commit was made, ISO 8601.
            branch: Where.
            label: As the user likes.

        Returns:
            False if the study was there already: nothing changes.

        Raises:
            StudyError: The database cannot be written, or a date cannot be read.
        """
        study = {
            "digest": digest,
            "moment": _moment(committed or header.created),
            "created": _text(header.created),
            "commit": _text(commit),
            "branch": _text(branch),
            "label": _text(label),
            "host": _text(_host(header)),
            "reference_build": _text(_reference_build(header)),
        }
        texts = {workload.name: workload.digest for workload in header.workloads}
        figures: dict[str, tuple[dict[str, Any], Cell]] = {}
        for cell in cells:
            if not math.isnan(cell.value):
                series = _series_of(cell, header.plan.reference, texts.get(cell.workload, ""))
                figures[series["digest"]] = series, cell
        return self._write(lambda connection: _insert(connection, study, figures))

    def studies(self, branch: str | None = None) -> list[Entry]:
        """All studies, or those of one branch, in their order."""
        columns = [_studies.c[name] for name in Entry._fields]
        query = sa.select(*columns).order_by(_studies.c.moment, _studies.c.id)
        if branch is not None:
            query = query.where(_studies.c.branch == branch)
        return self._read(lambda connection: _fetch(connection, query, Entry))

    def series(self, **wanted: str | int | None) -> list[Series]:
        """The series whose fields (``workload``, ``interpreter``, ``metric``, ``threads``) are as wanted.

        A field that is None may be anything.
        """
        columns = [_series.c[name] for name in Series._fields]
        query = sa.select(*columns).order_by(
            _series.c.workload, _series.c.metric, _series.c.interpreter, _series.c.threads, _series.c.id
        )
        for name, value in wanted.items():
            if value is not None:
                query = query.where(_series.c[name] == value)
        return self._read(lambda connection: [_read_series(row) for row in connection.execute(query)])

    def latest(self, series: Series, count: int, branch: str | None = None) -> list[tuple[Entry, Point]]:
        """The last ``count`` points of a series with their studies, in their order."""
        columns = [
            *(_studies.c[name] for name in Entry._fields),
            *(_points.c[name] for name in Point._fields),
        ]
        query = (
            sa.select(*columns)
            .join_from(_studies, _points, _points.c.study == _studies.c.id)
            .where(_points.c.series == series.id)
            .order_by(_studies.c.moment.desc(), _studies.c.id.desc())
            .limit(count)
        )
        if branch is not None:
            query = query.where(_studies.c.branch == branch)
        split = len(Entry._fields)

        def read(connection: sa.Connection) -> list[tuple[Entry, Point]]:
            rows = [(tuple(row[:split]), tuple(row[split:])) for row in connection.execute(query)]
            return msgspec.convert(rows[::-1], list[tuple[Entry, Point]])

        return self._read(read)

    def points(self, series: Series) -> list[Point]:
        """All points of a series, by the studies' keys."""
        columns = [_points.c[name] for name in Point._fields]
        query = sa.select(*columns).where(_points.c.series == series.id).order_by(_points.c.study)
        return self._read(lambda connection: _fetch(connection, query, Point))

    def values(self, series: Series) -> list[tuple[int, float]]:
        """Key of the study and value of all points of a series: what ``points`` has, without the rest."""
        query = sa.select(_points.c.study, _points.c.value).where(_points.c.series == series.id)
        return self._read(lambda connection: _fetch(connection, query, tuple[int, float]))

    def _read(self, work: Callable[[sa.Connection], _T]) -> _T:
        try:
            with self._engine.connect() as connection, connection.begin():
                return work(connection)
        except _BROKEN as error:
            raise self._broken(error) from error

    def _write(self, work: Callable[[sa.Connection], _T]) -> _T:
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                with self._engine.connect().execution_options(write=True) as connection, connection.begin():
                    return work(connection)
            except _BROKEN as error:
                if not (attempts_left and isinstance(error, _OVERTAKEN)):
                    raise self._broken(error) from error
        raise AssertionError  # the last attempt returned or raised

    def _check_version(self, connection: sa.Connection) -> None:
        if not sa.inspect(connection).has_table(_history.name):
            raise self._absent()
        version = connection.execute(sa.select(_history.c.version)).scalar()
        if not isinstance(version, int) or version < 1:
            raise StudyError(f"the history {self.name} is damaged: it has no version\n{self._next_step()}")
        if version > VERSION:
            raise StudyError(
                f"the history {self.name} was written by a newer gilbench (tables of version {version}, "
                f"known is {VERSION})\nUpdate gilbench, or name another one with --database."
            )

    def _absent(self) -> UsageError:
        return UsageError(f"there is no history in {self.name}\nStart one with: gilbench history add STUDY")

    def _broken(self, error: Exception) -> StudyError:
        reason = _first_line(getattr(error, "orig", None) or error)
        return StudyError(f"the history {self.name} cannot be used: {reason}\n{self._next_step(reason)}")

    def _next_step(self, reason: str = "") -> str:
        if self._file is None:
            return "Check the URL given with --database."
        if "locked" in reason or "readonly" in reason or "unable to open" in reason:
            return "Try again when no other process uses it, or name another one with --database."
        return "Move the file away and add the studies again, or name another one with --database."


def _address(database: str | Path) -> sa.URL:
    text = str(database)
    try:
        return sa.make_url(text) if "://" in text else sa.URL.create("sqlite", database=text)
    except (ArgumentError, ValueError) as error:
        raise UsageError(
            "--database is neither a file nor a URL such as postgresql://user@host/name"
        ) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(
            f"cannot make the folder {folder}: {error.strerror}\nName another place with --database."
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver begins no transaction of its own
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A writer takes its turn before it reads: one that read first could not write after another's commit.
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _create_tables(connection: sa.Connection) -> None:
    if not sa.inspect(connection).has_table(_history.name):
        _tables.create_all(connection)
        connection.execute(sa.insert(_history).values(version=VERSION))


def _insert(
    connection: sa.Connection, study: dict[str, Any], figures: dict[str, tuple[dict[str, Any], Cell]]
) -> bool:
    if connection.execute(sa.select(_studies.c.id).where(_studies.c.digest == study["digest"])).first():
        return False
    key = _new(connection, _studies, study)
    workloads = {series["workload"] for series, _ in figures.values()}
    known = sa.select(_series.c.digest, _series.c.id).where(_series.c.workload.in_(workloads))
    keys: dict[str, int] = {row.digest: row.id for row in connection.execute(known)}
    points = []
    for digest, (series, cell) in sorted(figures.items()):
        if digest not in keys:
            keys[digest] = _new(connection, _series, series)
        points.append(
            {
                "series": keys[digest],
                "study": key,
                "value": cell.value,
                "lo": cell.lo,
                "hi": cell.hi,
                "blocks": cell.blocks,
            }
        )
    if points:
        connection.execute(sa.insert(_points), points)
    return True


def _new(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> int:
    key = connection.execute(sa.insert(table).values(row)).inserted_primary_key
    return int(key[0]) if key else 0


def _series_of(cell: Cell, reference: str, workload_digest: str) -> dict[str, Any]:
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


def _fetch(connection: sa.Connection, query: sa.Select[Any], row: type[_T]) -> list[_T]:
    """The rows of a query, each of them checked."""
    return msgspec.convert([tuple(found) for found in connection.execute(query)], list[row])  # type: ignore[valid-type]


def _read_series(row: sa.Row[Any]) -> Series:
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
