"""A history on PostgreSQL: its driver, one writer at a time, and errors after which a transaction is repeated.

Writers hold an advisory lock of the database until their transaction ends, as they lock the whole file of SQLite. So
none of them ever conflicts with another one, also when the tables are created or converted.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

if TYPE_CHECKING:
    from collections.abc import Mapping

DRIVER = "postgresql+psycopg"
INSTALL = "pip install 'gilbench[postgresql]'"
_NAMES = {"postgresql", "postgres", DRIVER}  # drivers in a URL; SQLAlchemy 2.0 takes psycopg2 for the first
_LOCK = int.from_bytes(b"gilbench", "big")
# Without limits, libpq waits for hours for a server that does not answer. A server that works answers keepalives.
_LIMITS = {
    "connect_timeout": "10",  # s
    "keepalives_idle": "10",  # s
    "keepalives_interval": "5",  # s
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",  # ms
}
_OPTIONS: Mapping[str, Any] = {
    # A writer that got the lock sees what the last one has committed, whatever the server's default is.
    "isolation_level": "READ COMMITTED",
    "use_native_hstore": False,  # saves a query per connection
    "connect_args": {"prepare_threshold": None},  # poolers may change the connection after a transaction
}
# SQLSTATEs: connection lost, serialization failure, deadlock, server shut down or restarted.
_PASSING = ("08", "40001", "40P01", "57P")
# Words of a server that starts, has no connection left, or was lost meanwhile; libpq has no codes for a refusal.
_BUSY = (
    "starting up",
    "shutting down",
    "in recovery",
    "not yet accepting",
    "too many clients",
    "too many connections",
    "slots are reserved",
    "closed the connection",
    "connection is lost",
    "reset by peer",
    "broken pipe",
    "eof",
)


def engine_of(url: sa.URL) -> sa.Engine:
    """Return the engine of a URL. Options of the URL are those of libpq, such as ``sslmode``.

    Raises:
        ImportError: The driver is not installed.
    """
    if url.drivername not in _NAMES:
        return sa.create_engine(url)
    limits = {key: value for key, value in _LIMITS.items() if key not in url.query}
    if "PGCONNECT_TIMEOUT" in os.environ:
        limits.pop("connect_timeout", None)
    engine = sa.create_engine(url.set(drivername=DRIVER).update_query_dict(limits), **_OPTIONS)
    sa.event.listen(engine, "do_connect", _connect)
    return engine


def _connect(_dialect: object, _record: object, words: list[Any], options: dict[str, Any]) -> object:
    from gilbench.store.history_connection import Connection  # noqa: PLC0415 - needs the driver

    return Connection.connect(*words, **options)


def lock(connection: sa.Connection, seconds: int) -> None:
    """Wait until no other process writes to the history; the lock ends with the transaction."""
    connection.execute(sa.select(sa.func.set_config("lock_timeout", f"{seconds}s", True)))
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.literal(_LOCK, sa.BigInteger))))


def is_busy(error: BaseException) -> bool:
    """Whether a new connection can succeed later: the server refuses it for a short time only, or it was lost."""
    orig = getattr(error, "orig", None)
    known = getattr(orig, "sqlstate", None) is not None or any(word in str(orig).lower() for word in _BUSY)
    return known and is_passing(error)


def is_passing(error: BaseException) -> bool:
    """Whether the same transaction can succeed later: the connection was lost, or the server ended it."""
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", "")  # None: an error of psycopg, not of the server
    return isinstance(error, OperationalError) if state is None else str(state).startswith(_PASSING)
