"""The address of a history: a file (SQLite) or the URL of a database, and its name in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from gilbench.model.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

# Options of a URL that messages show. Any other may be a secret, also a misspelled one.
_SHOWN = ("host", "hostaddr", "port", "dbname", "service")
_NO_FILES = ("postgres:", "postgresql:", "postgresql+")


def read_address(database: str | Path) -> sa.URL:
    """Read a file or a URL.

    Raises:
        UsageError: The URL is invalid, or names no file of SQLite. The message has no password.
    """
    text = str(database)
    is_url = "://" in text or text.startswith(_NO_FILES)
    try:
        url = sa.make_url(text) if is_url else sa.URL.create("sqlite", database=text)
    except (ArgumentError, ValueError):
        raise UsageError(
            "--database is neither a file nor a URL; use for example postgresql://user@host/name"
        ) from None  # its text can contain the password
    if "@" in (url.host or ""):
        raise UsageError("--database has a second @ before the host\nWrite an @ of the password as %40.")
    if url.get_backend_name() == "sqlite" and (url.database or ":memory:").startswith((":memory:", "file:")):
        raise UsageError(
            f"--database {name_of(url)} names no file, so nothing would be saved\n"
            "Name a file, for example --database history.sqlite"
        )
    return url


def name_of(url: sa.URL) -> str:
    """Return a URL as messages show it: without its password, and without options that may be secret."""
    shown = {key: url.query[key] for key in _SHOWN if key in url.query}
    return url.set(query=shown).render_as_string(hide_password=True)


def secrets_of(url: sa.URL) -> set[str]:
    """Return the passwords of a URL, which an error of a driver may quote."""
    options = [value for key, value in url.query.items() if "pass" in key]
    return {text for text in (url.password, *options) if isinstance(text, str) and text}
