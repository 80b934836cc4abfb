"""The connection to the database of a history: its address, its transactions, and its errors in two lines."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import (
    ArgumentError,
    IntegrityError,
    NoSuchModuleError,
    ProgrammingError,
    SAWarning,
    SQLAlchemyError,
)

from gilbench.model.errors import StudyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

TIMEOUT = 30  # s that a writer waits for another writer
ATTEMPTS = 5  # of a writer that conflicts with another writer
_OVERTAKEN = (IntegrityError, ProgrammingError)  # another writer has just created the same row or table
# Errors of a database. The driver does not wrap Python's own errors; msgspec finds wrong types.
_BROKEN = (SQLAlchemyError, OverflowError, UnicodeError, RecursionError, msgspec.MsgspecError)
# Errors of a URL. SQLAlchemy warns of an unknown option; a wrong value raises an error of Python.
_REFUSED = (ArgumentError, NoSuchModuleError, SAWarning, ValueError, TypeError)


class AbsentHistoryError(UsageError):
    """There is no history in a database yet.

    Args:
        name: Of the database, without a password.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"no history in {name}\nStart one: gilbench history add STUDY")
        self.name = name


class Database:
    """A database that can be reached.

    Args:
        database: A file (SQLite), or the URL of a database in SQLAlchemy's syntax.
        create: Create a missing file; otherwise, it is an error.

    Raises:
        AbsentHistoryError: The file does not exist.
        UsageError: The URL is invalid, or its driver is not installed.
        StudyError: The database cannot be opened.
    """

    def __init__(self, database: str | Path, *, create: bool) -> None:
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
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def read(self, work: Callable[[sa.Connection], _T]) -> _T:
        """Run ``work`` in a transaction that reads.

        Raises:
            StudyError: The database cannot be read, or is damaged.
        """
        try:
            with self._engine.connect() as connection, connection.begin():
                return work(connection)
        except _BROKEN as error:
            raise self._broken(error) from error

    def write(self, work: Callable[[sa.Connection], _T], *, doing: str = "use") -> _T:
        """Run ``work`` in a transaction that writes: all or nothing. Another writer may make it run again.

        Args:
            work: Writes to the connection.
            doing: The verb of an error.

        Raises:
            StudyError: The database cannot be written, or is damaged.
        """
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                with (
                    self._engine.connect().execution_options(begin="BEGIN IMMEDIATE") as connection,
                    connection.begin(),
                ):
                    return work(connection)
            except _BROKEN as error:
                if not (attempts_left and isinstance(error, _OVERTAKEN)):
                    raise self._broken(error, doing) from error
        raise AssertionError  # the last attempt returned or raised

    def shrink(self) -> None:
        """Return the space of deleted tables to the file system. Without it, the file is only larger."""
        with contextlib.suppress(SQLAlchemyError), self._engine.connect() as connection:
            alone = connection.execution_options(begin=None, isolation_level="AUTOCOMMIT")
            alone.exec_driver_sql("VACUUM")

    def _connect(self) -> None:
        try:
            self._engine.connect().close()
        except _BROKEN as error:
            raise self._broken(error) from error
        except _REFUSED as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> UsageError:
        return UsageError(f"cannot use --database {self.name}: {_first_line(error)}\nCorrect the URL.")

    def _broken(self, error: Exception, doing: str = "use") -> StudyError:
        reason = _first_line(getattr(error, "orig", None) or error)
        return StudyError(f"cannot {doing} the history {self.name}: {reason}\n{self._next_step(reason)}")

    def _next_step(self, reason: str) -> str:
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
    begin = connection.get_execution_options().get("begin", "BEGIN")
    if begin is not None:
        connection.exec_driver_sql(begin)
