"""The history: the results of many studies in one database, by default SQLite."""

from __future__ import annotations

import contextlib
import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import msgspec
import sqlalchemy as sa
from platformdirs import user_data_path
from sqlalchemy.exc import (
    ArgumentError,
    IntegrityError,
    NoSuchModuleError,
    ProgrammingError,
    SAWarning,
    SQLAlchemyError,
)

from gilbench.model.errors import StudyError, UsageError
from gilbench.model.history import Entry, Point, Series
from gilbench.store.history_tables import (
    HISTORY,
    POINTS,
    SERIES,
    STUDIES,
    VERSION,
    create_tables,
    read_series,
    series_row,
    study_row,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gilbench.model.results import Cell
    from gilbench.model.study import Header

_T = TypeVar("_T")

TIMEOUT = 30  # s that a writer waits for another writer
ATTEMPTS = 5  # of a writer that conflicts with another writer
_OVERTAKEN = (IntegrityError, ProgrammingError)  # another writer has just created the same row or table
# Errors of a database. The driver does not wrap Python's own errors; msgspec finds wrong types.
_BROKEN = (SQLAlchemyError, OverflowError, UnicodeError, RecursionError, msgspec.MsgspecError)
# Errors of a URL. SQLAlchemy warns of an unknown option; a wrong value raises an error of Python.
_REFUSED = (ArgumentError, NoSuchModuleError, SAWarning, ValueError, TypeError)


def default_database() -> Path:
    """Return the file of the user's own history."""
    return user_data_path("gilbench") / "history.sqlite"


class AbsentHistoryError(UsageError):
    """There is no history in a database yet.

    Args:
        name: Of the database, without a password.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"no history in {name}\nStart one: gilbench history add STUDY")
        self.name = name


class History:
    """A history in a database.

    Args:
        database: A file (SQLite), or the URL of a database in SQLAlchemy's syntax.
        create: Create a missing history; otherwise, it is an error.

    Raises:
        AbsentHistoryError: The history does not exist.
        UsageError: The URL is invalid, or its driver is not installed.
        StudyError: The database cannot be opened, is damaged, or was written by a newer gilbench.
    """

    def __init__(self, database: str | Path, *, create: bool = False) -> None:
        url = _address(database)
        self._file = Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
        self.name = str(self._file or url.render_as_string(hide_password=True))
        if self._file and create:
            _make_folder(self._file.parent)
        elif self._file and not _is_there(self._file):
            raise AbsentHistoryError(self.name)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", SAWarning)
                self._engine = sa.create_engine(url)
        except _REFUSED as error:
            raise self._refused(error) from error
        except ModuleNotFoundError as error:
            raise UsageError(f"--database {self.name} needs a driver: pip install {error.name}") from error
        if self._file:
            sa.event.listen(self._engine, "connect", _set_up_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
        try:
            self._connect()
            if create:
                self._write(create_tables)
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
        """Add the results of a study, all or none.

        Args:
            header: Header of the study.
            cells: Results of the study; NaN is omitted.
            digest: Digest of the study file, hexadecimal, at most 64 characters.
            commit: Measured commit; None: unknown.
            committed: Date of the commit, ISO 8601; None: unknown.
            branch: Branch of the commit; None: unknown.
            label: Any text of the user.

        Returns:
            False if the study was added earlier; then nothing changes.

        Raises:
            StudyError: The database cannot be written, or a date is invalid.
        """
        study = study_row(header, digest, commit=commit, committed=committed, branch=branch, label=label)
        texts = {workload.name: workload.digest for workload in header.workloads}
        figures: dict[str, tuple[dict[str, Any], Cell]] = {}
        for cell in cells:
            if not math.isnan(cell.value):
                series = series_row(cell, header.plan.reference, texts.get(cell.case.workload, ""))
                figures[series["digest"]] = series, cell
        return self._write(lambda connection: _insert(connection, study, figures))

    def studies(self, branch: str | None = None) -> list[Entry]:
        """Return the studies of one branch (None: all) in the order of their commits."""
        columns = [STUDIES.c[name] for name in Entry._fields]
        query = sa.select(*columns).order_by(STUDIES.c.moment, STUDIES.c.id)
        if branch is not None:
            query = query.where(STUDIES.c.branch == branch)
        return self._read(lambda connection: _fetch(connection, query, Entry))

    def series(self, **wanted: str | int | None) -> list[Series]:
        """Return the series with given values of ``workload``, ``interpreter``, ``metric``, and ``threads``.

        None matches every value.
        """
        columns = [column for column in SERIES.c if column.name != "digest"]
        query = sa.select(*columns).order_by(
            SERIES.c.workload, SERIES.c.metric, SERIES.c.interpreter, SERIES.c.threads, SERIES.c.id
        )
        for name, value in wanted.items():
            if value is not None:
                query = query.where(SERIES.c[name] == value)
        return self._read(lambda connection: [read_series(row) for row in connection.execute(query)])

    def latest(self, series: Series, count: int, branch: str | None = None) -> list[tuple[Entry, Point]]:
        """Return the last ``count`` points of a series with their studies, in the order of commits."""
        columns = [
            *(STUDIES.c[name] for name in Entry._fields),
            *(POINTS.c[name] for name in Point._fields),
        ]
        query = (
            sa.select(*columns)
            .join_from(STUDIES, POINTS, POINTS.c.study == STUDIES.c.id)
            .where(POINTS.c.series == series.id)
            .order_by(STUDIES.c.moment.desc(), STUDIES.c.id.desc())
            .limit(count)
        )
        if branch is not None:
            query = query.where(STUDIES.c.branch == branch)
        split = len(Entry._fields)

        def read(connection: sa.Connection) -> list[tuple[Entry, Point]]:
            rows = [(tuple(row[:split]), tuple(row[split:])) for row in connection.execute(query)]
            return msgspec.convert(rows[::-1], list[tuple[Entry, Point]])

        return self._read(read)

    def points(self, series: Series) -> list[Point]:
        """Return all points of a series, in the order of the studies' keys."""
        columns = [POINTS.c[name] for name in Point._fields]
        query = sa.select(*columns).where(POINTS.c.series == series.id).order_by(POINTS.c.study)
        return self._read(lambda connection: _fetch(connection, query, Point))

    def values(self, series: Series) -> list[tuple[int, float]]:
        """Return the study's key and the value of all points of a series, without the other fields."""
        query = sa.select(POINTS.c.study, POINTS.c.value).where(POINTS.c.series == series.id)
        return self._read(lambda connection: _fetch(connection, query, tuple[int, float]))

    def _connect(self) -> None:
        try:
            self._engine.connect().close()
        except _BROKEN as error:
            raise self._broken(error) from error
        except _REFUSED as error:
            raise self._refused(error) from error

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
        if not sa.inspect(connection).has_table(HISTORY.name):
            raise AbsentHistoryError(self.name)
        version = connection.execute(sa.select(HISTORY.c.version)).scalar()
        if not isinstance(version, int) or version < 1:
            raise StudyError(
                f"the history {self.name} is damaged: its version is missing\n{self._next_step()}"
            )
        if version > VERSION:
            raise StudyError(
                f"the history {self.name} has version {version}, but this gilbench reads up to {VERSION}\n"
                "Update gilbench, or choose another history with --database."
            )

    def _refused(self, error: Exception) -> UsageError:
        return UsageError(f"cannot use --database {self.name}: {_first_line(error)}\nCorrect the URL.")

    def _broken(self, error: Exception) -> StudyError:
        reason = _first_line(getattr(error, "orig", None) or error)
        return StudyError(f"cannot use the history {self.name}: {reason}\n{self._next_step(reason)}")

    def _next_step(self, reason: str = "") -> str:
        if self._file is None:
            return "Check the database and the URL of --database."
        if "locked" in reason or "readonly" in reason or "unable to open" in reason:
            return "Retry when no other process uses the file, or choose another history with --database."
        return "Move the file away and add the studies again, or choose another history with --database."


def _address(database: str | Path) -> sa.URL:
    text = str(database)
    try:
        url = sa.make_url(text) if "://" in text else sa.URL.create("sqlite", database=text)
    except (ArgumentError, ValueError) as error:
        raise UsageError(
            "--database is neither a file nor a URL; use for example postgresql://user@host/name"
        ) from error
    if url.get_backend_name() == "sqlite" and (url.database or ":memory:").startswith((":memory:", "file:")):
        raise UsageError(
            f"--database {text[:80]} names no file, so nothing would be saved\n"
            "Name a file, for example --database history.sqlite"
        )
    return url


def _is_there(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):  # the name is too long, or has a NUL
        return path.exists()
    return False


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(
            f"cannot create the folder {folder}: {error.strerror}\nChoose another place with --database."
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver must not start transactions
    connection.execute(f"PRAGMA busy_timeout = {TIMEOUT * 1000}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A writer locks before it reads. If it read first, it could not write after another writer's commit.
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _insert(
    connection: sa.Connection, study: dict[str, Any], figures: dict[str, tuple[dict[str, Any], Cell]]
) -> bool:
    if connection.execute(sa.select(STUDIES.c.id).where(STUDIES.c.digest == study["digest"])).first():
        return False
    key = _new(connection, STUDIES, study)
    workloads = {series["workload"] for series, _ in figures.values()}
    known = sa.select(SERIES.c.digest, SERIES.c.id).where(SERIES.c.workload.in_(workloads))
    keys: dict[str, int] = {row.digest: row.id for row in connection.execute(known)}
    points = []
    for digest, (series, cell) in sorted(figures.items()):
        if digest not in keys:
            keys[digest] = _new(connection, SERIES, series)
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
        connection.execute(sa.insert(POINTS), points)
    return True


def _new(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> int:
    key = connection.execute(sa.insert(table).values(row)).inserted_primary_key
    return int(key[0]) if key else 0


def _fetch(connection: sa.Connection, query: sa.Select[Any], row: type[_T]) -> list[_T]:
    """Return the rows of a query, and check their types."""
    return msgspec.convert([tuple(found) for found in connection.execute(query)], list[row])  # type: ignore[valid-type]
