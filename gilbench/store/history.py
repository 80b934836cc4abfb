"""The history: the results of many studies in one database, by default SQLite."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import msgspec
import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from platformdirs import user_data_path

from gilbench.model.errors import StudyError
from gilbench.model.history import Entry, Series
from gilbench.store.history_database import AbsentHistoryError, Database
from gilbench.store.history_records import FIGURE, PackedFigure, unpack, unpack_layout
from gilbench.store.history_tables import (
    LAYOUTS,
    RECORDS,
    SERIES,
    STUDIES,
    VERSION,
    insert,
    insert_records,
    insert_series,
    origin_of,
    read_series,
    series_row,
    study_row,
)
from gilbench.store.history_versions import convert, create_tables, read_version

if TYPE_CHECKING:
    from gilbench.model.printed import PrintedResults
    from gilbench.model.results import Cell
    from gilbench.model.study import Header

_T = TypeVar("_T")

_TOGETHER = 500  # layouts per query; older versions of SQLite take 999 parameters


def default_database() -> Path:
    """Return the file of the user's own history."""
    return user_data_path("gilbench") / "history.sqlite"


class Figures(NamedTuple):
    """All values of one series in some studies, in the order of the studies.

    Attributes:
        series: The series.
        at: Index of the study of each figure, ascending, shape (n,).
        rows: An array of ``history_records.FIGURE``, shape (n,).
    """

    series: Series
    at: NDArray[np.intp]
    rows: NDArray[np.void]


class History:
    """A history in a database. Tables of an older version are converted when it is opened.

    Args:
        database: A file (SQLite), or the URL of a database in SQLAlchemy's syntax.
        create: Create a missing history; otherwise, it is an error.

    Raises:
        AbsentHistoryError: The history does not exist.
        UsageError: The URL is invalid, or its driver is not installed.
        StudyError: The database cannot be opened or converted, is damaged, or was written by a newer gilbench.
    """

    def __init__(self, database: str | Path, *, create: bool = False) -> None:
        self._database = Database(database, create=create)
        self.name = self._database.name
        try:
            if create:
                self._database.write(create_tables)
            self._update()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(
        self,
        header: Header | PrintedResults,
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
            header: Header of the study, or the printed results of another benchmark.
            cells: Results of the study; NaN and negative values are omitted.
            digest: Digest of the study file, hexadecimal, at most 64 characters.
            commit: Measured commit; None: unknown.
            committed: Date of the commit, ISO 8601; None: unknown. Printed results need it: they have no date.
            branch: Branch of the commit; None: unknown.
            label: Any text of the user.

        Returns:
            False if the study was added earlier; then nothing changes.

        Raises:
            StudyError: The database cannot be written, or a date is invalid.
        """
        about = origin_of(header)
        study = study_row(about, digest, commit=commit, committed=committed, branch=branch, label=label)
        results: dict[str, tuple[dict[str, Any], Cell]] = {}
        for cell in cells:
            if cell.value >= 0:
                series = series_row(cell, about.reference, about.digests.get(cell.case.workload, ""))
                results[series["digest"]] = series, cell
        keys: set[int] = set()  # of the study in all attempts; one may be committed without an answer
        return self._database.write(lambda connection: _insert(connection, study, results, keys))

    def studies(self, branch: str | None = None) -> list[Entry]:
        """Return the studies of one branch (None: all) in the order of their commits."""
        columns = [STUDIES.c[name] for name in Entry._fields]
        query = sa.select(*columns).order_by(STUDIES.c.moment, STUDIES.c.id)
        if branch is not None:
            query = query.where(STUDIES.c.branch == branch)
        return self._database.read(lambda connection: _fetch(connection, query, Entry))

    def series(self, **wanted: str | int | None) -> list[Series]:
        """Return the series with given values of ``workload``, ``interpreter``, ``metric``, and ``threads``.

        None matches every value.
        """
        columns = [column for column in SERIES.c if column.name != "digest"]
        query = sa.select(*columns)
        for name, value in wanted.items():
            if value is not None:
                query = query.where(SERIES.c[name] == value)
        found = self._database.read(
            lambda connection: [read_series(row) for row in connection.execute(query)]
        )
        return sorted(found, key=_place)

    def figures(self, series: Sequence[Series], studies: Sequence[Entry]) -> Iterator[Figures]:
        """Yield the figures of each series in the given studies.

        One metric is read at a time, so a writer never waits for the caller. Series of the same metric are adjacent.

        Args:
            series: The series.
            studies: Studies, in the order of the figures.
        """
        places = _Places(studies)
        for metric in dict.fromkeys(one.metric for one in series):
            wanted = {one.id: one for one in series if one.metric == metric}
            found = self._database.read(partial(_read, metric=metric, wanted=wanted, places=places))
            for key, one in wanted.items():
                yield _in_order(one, found[key])

    def _update(self) -> None:
        """Convert the tables of an older version, and refuse those of a newer one."""
        version = self._database.read(read_version)
        if version is None:
            raise AbsentHistoryError(self.name)
        if version > VERSION:
            raise StudyError(
                f"the history {self.name} has version {version}, but this gilbench reads up to {VERSION}\n"
                "Update gilbench, or choose another history with --database."
            )
        if version < VERSION:
            self._database.write(convert, doing="convert")
            self._database.shrink()
        if not self._database.keeps_references:
            self._database.read(_refuse_orphans)


class _Places:
    """Finds the indices of studies from their keys."""

    def __init__(self, studies: Sequence[Entry]) -> None:
        keys = np.array([entry.id for entry in studies], np.int64)
        self._order = np.argsort(keys)
        self._keys = keys[self._order]

    def find(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return where the known keys are in ``keys``, and the indices of their studies, ascending."""
        at = np.searchsorted(self._keys, keys)
        known = np.flatnonzero(np.append(self._keys, -1)[at] == keys)
        studies = self._order[at[known]]
        order = np.argsort(studies)
        return known[order], studies[order]


_Piece = tuple[NDArray[np.intp], NDArray[np.void]]  # the figures of a series in the studies of one layout


def _insert(
    connection: sa.Connection,
    study: dict[str, Any],
    results: dict[str, tuple[dict[str, Any], Cell]],
    attempts: set[int],
) -> bool:
    known = connection.execute(sa.select(STUDIES.c.id).where(STUDIES.c.digest == study["digest"])).scalar()
    if known is not None:
        return known in attempts
    key = insert(connection, STUDIES, **study)
    attempts.add(key)
    keys = insert_series(connection, [series for series, _ in results.values()])
    figures = [
        (series["metric"], PackedFigure(keys[digest], cell.value, cell.lo, cell.hi, cell.blocks))
        for digest, (series, cell) in sorted(results.items())
    ]
    insert_records(connection, key, figures)
    return True


def _refuse_orphans(connection: sa.Connection) -> None:
    """Refuse rows without those that they name: SQLite, unlike a server, does not keep foreign keys.

    Raises:
        msgspec.ValidationError: There is one.
    """
    for key, named in (
        (RECORDS.c.study, STUDIES.c.id),
        (RECORDS.c.layout, LAYOUTS.c.id),
        (LAYOUTS.c.metric, SERIES.c.metric),
    ):
        orphan = sa.select(key).where(key.not_in(sa.select(named))).limit(1)
        if connection.execute(orphan).first() is not None:
            raise msgspec.ValidationError(f"a {key.name} that is named is missing")


def _place(series: Series) -> tuple[str, str, str, int, int]:
    """Return the sort key of a series. Databases differ in how they order texts."""
    case = series.case
    return series.metric, case.workload, case.interpreter, case.threads, series.id


def _read(
    connection: sa.Connection, metric: str, wanted: Collection[int], places: _Places
) -> dict[int, list[_Piece]]:
    """Read the figures of series of one metric, by the key of the series."""
    query = sa.select(LAYOUTS.c.id, LAYOUTS.c.series).where(LAYOUTS.c.metric == metric)
    layouts = {
        key: unpack_layout(packed).tolist() for key, packed in _fetch(connection, query, tuple[int, bytes])
    }
    same = sa.select(SERIES.c.id).where(SERIES.c.metric == metric)
    known = set(connection.execute(same).scalars())
    if not all(known.issuperset(series) for series in layouts.values()):
        raise msgspec.ValidationError(
            f"a layout of {metric} has a series that is missing, or of another metric"
        )
    needed = [key for key, series in layouts.items() if not set(wanted).isdisjoint(series)]
    pieces: dict[int, list[_Piece]] = {key: [] for key in wanted}
    for first in range(0, len(needed), _TOGETHER):
        records = (
            sa.select(RECORDS.c.layout, RECORDS.c.study, RECORDS.c.figures)
            .where(RECORDS.c.layout.in_(needed[first : first + _TOGETHER]))
            .order_by(RECORDS.c.layout)
        )
        for layout, rows in groupby(_fetch(connection, records, tuple[int, int, bytes]), itemgetter(0)):
            _, studies, packed = zip(*rows, strict=True)
            chosen, at = places.find(np.array(studies, np.int64))
            figures = unpack([packed[place] for place in chosen], len(layouts[layout]))
            for column, key in enumerate(layouts[layout]):
                if key in pieces:
                    pieces[key].append((at, figures[:, column]))
    return pieces


def _in_order(series: Series, pieces: list[_Piece]) -> Figures:
    if not pieces:
        return Figures(series, np.array([], np.intp), np.array([], FIGURE))
    if len(pieces) == 1:
        return Figures(series, *pieces[0])
    at, rows = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    order = np.argsort(at)
    return Figures(series, at[order], rows[order])


def _fetch(connection: sa.Connection, query: sa.Select[Any], row: type[_T]) -> list[_T]:
    """Return the rows of a query, and check their types."""
    return msgspec.convert([tuple(found) for found in connection.execute(query)], list[row])  # type: ignore[valid-type]
