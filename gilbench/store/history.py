"""The history: figures of many studies in one database, SQLite by default, any other by URL."""

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

from gilbench.errors import StudyError, UsageError
from gilbench.store.history_tables import (
    HISTORY,
    POINTS,
    SERIES,
    STUDIES,
    VERSION,
    Entry,
    Point,
    Series,
    create_tables,
    read_series,
    series_row,
    study_row,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gilbench.model import Cell, Header

_T = TypeVar("_T")

PATIENCE = 30  # s that a writer waits for another one
ATTEMPTS = 5  # at writing, where a server let another writer be faster
_OVERTAKEN = (IntegrityError, ProgrammingError)  # another writer made the same row or table a moment before
# What is wrong with a database: Python's own errors come unwrapped from the driver, msgspec finds wrong types.
_BROKEN = (SQLAlchemyError, OverflowError, UnicodeError, RecursionError, msgspec.MsgspecError)
# What is wrong with a URL: an option that SQLAlchemy does not know is a warning, a wrong value an error of Python.
_REFUSED = (ArgumentError, NoSuchModuleError, SAWarning, ValueError, TypeError)


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
        elif self._file and not _is_there(self._file):
            raise self._absent()
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
        study = study_row(header, digest, commit=commit, committed=committed, branch=branch, label=label)
        texts = {workload.name: workload.digest for workload in header.workloads}
        figures: dict[str, tuple[dict[str, Any], Cell]] = {}
        for cell in cells:
            if not math.isnan(cell.value):
                series = series_row(cell, header.plan.reference, texts.get(cell.workload, ""))
                figures[series["digest"]] = series, cell
        return self._write(lambda connection: _insert(connection, study, figures))

    def studies(self, branch: str | None = None) -> list[Entry]:
        """All studies, or those of one branch, in their order."""
        columns = [STUDIES.c[name] for name in Entry._fields]
        query = sa.select(*columns).order_by(STUDIES.c.moment, STUDIES.c.id)
        if branch is not None:
            query = query.where(STUDIES.c.branch == branch)
        return self._read(lambda connection: _fetch(connection, query, Entry))

    def series(self, **wanted: str | int | None) -> list[Series]:
        """The series whose fields (``workload``, ``interpreter``, ``metric``, ``threads``) are as wanted.

        A field that is None may be anything.
        """
        columns = [SERIES.c[name] for name in Series._fields]
        query = sa.select(*columns).order_by(
            SERIES.c.workload, SERIES.c.metric, SERIES.c.interpreter, SERIES.c.threads, SERIES.c.id
        )
        for name, value in wanted.items():
            if value is not None:
                query = query.where(SERIES.c[name] == value)
        return self._read(lambda connection: [read_series(row) for row in connection.execute(query)])

    def latest(self, series: Series, count: int, branch: str | None = None) -> list[tuple[Entry, Point]]:
        """The last ``count`` points of a series with their studies, in their order."""
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
        """All points of a series, by the studies' keys."""
        columns = [POINTS.c[name] for name in Point._fields]
        query = sa.select(*columns).where(POINTS.c.series == series.id).order_by(POINTS.c.study)
        return self._read(lambda connection: _fetch(connection, query, Point))

    def values(self, series: Series) -> list[tuple[int, float]]:
        """Key of the study and value of all points of a series: what ``points`` has, without the rest."""
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
            raise self._absent()
        version = connection.execute(sa.select(HISTORY.c.version)).scalar()
        if not isinstance(version, int) or version < 1:
            raise StudyError(f"the history {self.name} is damaged: it has no version\n{self._next_step()}")
        if version > VERSION:
            raise StudyError(
                f"the history {self.name} was written by a newer gilbench (tables of version {version}, "
                f"known is {VERSION})\nUpdate gilbench, or name another one with --database."
            )

    def _absent(self) -> UsageError:
        return UsageError(f"there is no history in {self.name}\nStart one with: gilbench history add STUDY")

    def _refused(self, error: Exception) -> UsageError:
        return UsageError(f"cannot use --database {self.name}: {_first_line(error)}")

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
        url = sa.make_url(text) if "://" in text else sa.URL.create("sqlite", database=text)
    except (ArgumentError, ValueError) as error:
        raise UsageError(
            "--database is neither a file nor a URL such as postgresql://user@host/name"
        ) from error
    if url.get_backend_name() == "sqlite" and (url.database or ":memory:").startswith((":memory:", "file:")):
        raise UsageError(
            f"--database {text[:80]} names no file, so nothing would be kept\n"
            "Name the file itself, e.g. --database history.sqlite"
        )
    return url


def _is_there(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):  # a name that is too long, or has a NUL in it
        return path.exists()
    return False


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
    """The rows of a query, each of them checked."""
    return msgspec.convert([tuple(found) for found in connection.execute(query)], list[row])  # type: ignore[valid-type]
