"""The versions of a history's tables: creates the present ones, converts older ones, and refuses newer ones.

Version 1 had a row per figure in ``gilbench_points``. Version 2 has records.
"""

from __future__ import annotations

from contextlib import closing
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from gilbench.store.history_records import PackedFigure
from gilbench.store.history_tables import HISTORY, LAYOUTS, METADATA, RECORDS, SERIES, VERSION, insert_records

if TYPE_CHECKING:
    from collections.abc import Generator

POINTS = sa.Table(
    "gilbench_points",
    sa.MetaData(),
    sa.Column("series", sa.Integer, primary_key=True),
    sa.Column("study", sa.Integer, primary_key=True),
    sa.Column("value", sa.Double, nullable=False),
    sa.Column("lo", sa.Double),
    sa.Column("hi", sa.Double),
    sa.Column("blocks", sa.Integer, nullable=False),
)
_FETCHED = 10_000  # rows of version 1 that are in memory at a time


def create_tables(connection: sa.Connection) -> None:
    """Create the tables if they do not exist."""
    if not sa.inspect(connection).has_table(HISTORY.name):
        METADATA.create_all(connection)
        connection.execute(sa.insert(HISTORY).values(version=VERSION))


def read_version(connection: sa.Connection) -> int | None:
    """Return the version of the tables; None: there is no history.

    Raises:
        msgspec.ValidationError: The version is missing or invalid.
    """
    if not sa.inspect(connection).has_table(HISTORY.name):
        return None
    versions = connection.execute(sa.select(HISTORY.c.version)).scalars().all()
    if len(versions) != 1 or not isinstance(versions[0], int) or versions[0] < 1:
        raise msgspec.ValidationError("its version is missing")
    return versions[0]


def convert(connection: sa.Connection) -> None:
    """Convert the tables of version 1, unless another process has just done so.

    Raises:
        msgspec.ValidationError: A row is damaged.
    """
    lock = sa.select(HISTORY.c.version).with_for_update()  # SQLite has locked the file already
    if connection.execute(lock).scalar() != 1:
        return
    METADATA.create_all(connection, tables=[LAYOUTS, RECORDS])
    metrics = {row.id: row.metric for row in connection.execute(sa.select(SERIES.c.id, SERIES.c.metric))}
    with closing(_studies(connection)) as studies:  # an open cursor of a server would lock the old table
        for study, figures in studies:
            if not metrics.keys() >= {figure.series for figure in figures}:
                raise msgspec.ValidationError("a value has no series")
            usable = [figure for figure in figures if figure.value >= 0]
            insert_records(connection, study, [(metrics[figure.series], figure) for figure in usable])
    POINTS.drop(connection)
    connection.execute(sa.update(HISTORY).values(version=VERSION))


def _studies(connection: sa.Connection) -> Generator[tuple[int, list[PackedFigure]], None, None]:
    """Yield each study of version 1 that has figures, by its key."""
    query = sa.select(*(POINTS.c[name] for name in ("study", *PackedFigure._fields))).order_by(POINTS.c.study)
    with connection.execute(query.execution_options(yield_per=_FETCHED)) as rows:
        for study, found in groupby(rows, itemgetter(0)):
            yield study, msgspec.convert([tuple(row[1:]) for row in found], list[PackedFigure])
