"""The connection to the database of a history: its transactions, and its errors in two lines."""

from __future__ import annotations

import contextlib
import time
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
from gilbench.store import history_postgresql as postgresql
from gilbench.store.history_address import name_of, read_address, secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

TIMEOUT = 30  # s that a writer waits for another writer
ATTEMPTS = 5  # of a writer that conflicts with another writer
PATIENCE = 30.0  # s for which a transaction is repeated after its connection was lost
_PAUSES = (0.1, 2.0)  # s before a repetition: the first one, and the longest
_OVERTAKEN = (IntegrityError, ProgrammingError)  # another writer has just created the same row or table
# What to do after a lost connection, in a transaction that reads, that writes, and that may have been committed.
_UNREAD = "Repeat the command when the server answers."
_UNWRITTEN = "Nothing was written; repeat the command when the server answers."
_UNSURE = "The last write may be missing; repeat the command when the server answers. Nothing is added twice."
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
        url = read_address(database)
        self._secrets = secrets_of(url)
        self._is_postgresql = url.get_backend_name() in {"postgresql", "postgres"}
        self.keeps_references = self._is_postgresql  # by foreign keys
        self._file = Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
        self.name = str(self._file or name_of(url))
        if self._file and create:
            _make_folder(self._file.parent)
        elif self._file and not _is_there(self._file):
            raise AbsentHistoryError(self.name)
        self._engine = self._make_engine(url)
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
        """Run ``work`` in a transaction that reads. A lost connection makes it run again.

        Raises:
            StudyError: The database cannot be read, or is damaged.
        """

        def attempt() -> _T:
            with self._engine.connect() as connection, connection.begin():
                return work(connection)

        return self._repeat(attempt)

    def write(self, work: Callable[[sa.Connection], _T], *, doing: str = "use") -> _T:
        """Run ``work`` in a transaction that writes: all or nothing.

        Another writer or a lost connection may make it run again, even if it was committed: the connection may have
        been lost before the answer.

        Args:
            work: Writes to the connection.
            doing: The verb of an error.

        Raises:
            StudyError: The database cannot be written, or is damaged.
        """
        lost = _UNWRITTEN

        def attempt() -> _T:
            nonlocal lost
            with (
                self._engine.connect().execution_options(begin="BEGIN IMMEDIATE") as connection,
                connection.begin(),
            ):
                if self._is_postgresql:
                    postgresql.lock(connection, TIMEOUT)
                done = work(connection)
                lost = _UNSURE
                return done  # after the commit

        return self._repeat(attempt, doing, lambda: lost)

    def shrink(self) -> None:
        """Return the space of deleted tables to the file system. Without it, the file is only larger."""
        if self._file is None:
            return  # servers do so by themselves
        with contextlib.suppress(SQLAlchemyError), self._engine.connect() as connection:
            alone = connection.execution_options(begin=None, isolation_level="AUTOCOMMIT")
            alone.exec_driver_sql("VACUUM")

    def _make_engine(self, url: sa.URL) -> sa.Engine:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", SAWarning)
                return postgresql.engine_of(url) if self._is_postgresql else sa.create_engine(url)
        except _REFUSED as error:
            raise self._refused(error) from None  # its text can contain the password
        except ImportError as error:
            install = postgresql.INSTALL if self._is_postgresql else f"pip install {error.name}"
            raise UsageError(f"--database {self.name} needs a driver: {install}") from error

    def _connect(self) -> None:
        try:
            self._repeat(lambda: self._engine.connect().close(), is_passing=postgresql.is_busy)
        except _REFUSED as error:
            raise self._refused(error) from None

    def _repeat(
        self,
        attempt: Callable[[], _T],
        doing: str = "use",
        lost: Callable[[], str] = lambda: _UNREAD,
        is_passing: Callable[[BaseException], bool] = postgresql.is_passing,
    ) -> _T:
        """Run a transaction until it succeeds, or fails with an error that will not pass.

        Args:
            attempt: Runs the transaction once.
            doing: The verb of an error.
            lost: Returns the second line of an error if the connection stays lost.
            is_passing: Whether an attempt can succeed later.

        Raises:
            StudyError: The last attempt failed.
        """
        overtaken, end, (pause, longest) = 1, None, _PAUSES
        while True:
            try:
                return attempt()
            except _BROKEN as error:
                if isinstance(error, _OVERTAKEN) and overtaken < ATTEMPTS:
                    overtaken += 1
                    continue
                if self._file or not is_passing(error):
                    raise self._broken(error, doing) from error
                now = time.monotonic()
                end = end or now + PATIENCE
                if now + pause > end:
                    raise self._broken(error, doing, lost()) from error
            time.sleep(pause)
            pause = min(2 * pause, longest)

    def _refused(self, error: Exception) -> UsageError:
        reason = self._without_secrets(_first_line(error))
        return UsageError(f"cannot use --database {self.name}: {reason}\nCorrect the URL.")

    def _broken(self, error: Exception, doing: str, next_step: str = "") -> StudyError:
        reason = self._without_secrets(_first_line(getattr(error, "orig", None) or error))
        return StudyError(
            f"cannot {doing} the history {self.name}: {reason}\n{next_step or self._next_step(reason)}"
        )

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _next_step(self, reason: str) -> str:
        if self._file is None:
            if "lock timeout" in reason:
                return "Retry when no other process writes to the history."
            return "Check the database and the URL of --database."
        if "locked" in reason or "readonly" in reason or "unable to open" in reason:
            return "Retry when no other process uses the file, or choose another history with --database."
        return "Move the file away and add the studies again, or choose another history with --database."


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
