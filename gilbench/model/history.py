"""The values of a history: studies, series of results across them, and points."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import msgspec

from gilbench.model.study import Case, Count, Name, Struct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Moment = Annotated[float, msgspec.Meta(ge=-62_135_596_800, le=253_402_300_799)]
"""Seconds since 1970, limited to the years 1 to 9999, which ``datetime`` supports."""


class Entry(NamedTuple):
    """One study of the history.

    Attributes:
        id: Key in this database.
        digest: Digest of the study file.
        moment: Seconds since 1970 UTC, of the commit; if unknown, of the study.
        created: Creation time of the study, ISO 8601; "unknown" for printed results.
        commit: Measured commit; None: unknown.
        branch: Branch of the commit; None: unknown.
        label: Any text of the user.
        host: Description of the host in one line.
        reference_build: Reference interpreter and its version.
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
    """One metric of one case across all studies.

    ``reference`` is None for a value that is not a ratio to a reference. An unknown ``workload_digest`` is empty.
    """

    id: int
    case: Case
    workload_digest: str
    reference: str | None
    metric: Name
    unit: str
    better: str


class Point(NamedTuple):
    """The value of one series in one study."""

    study: int  # Entry.id
    value: Annotated[float, msgspec.Meta(ge=0)]  # infinite: never answered
    lo: float | None
    hi: float | None
    blocks: Count


class Change(NamedTuple):
    """A lasting change of a level between two commits.

    Attributes:
        at: Most likely index of the first value on the new level.
        first: Lower end of the 95% interval of ``at``; ``first - 1`` is the last good value.
        last: Upper end of the 95% interval of ``at``; the value at ``last`` is on the new level.
        size: New level / old level.
        lo: Lower end of the 95% interval of ``size``.
        hi: Upper end of the 95% interval of ``size``.
        p: Upper bound on the probability of such a step in an unchanged series of this length.
    """

    at: int
    first: int
    last: int
    size: float
    lo: float
    hi: float
    p: float


class Found(NamedTuple):
    """A change of a series, with the studies around it.

    Attributes:
        series: The series.
        change: The change, with indices into the usable values of the series.
        good: The last study that is certainly on the old level.
        likely: Most likely the first study on the new level.
        changed: The first study that is certainly on the new level.
        verdict: improved or regressed, by the better direction of the metric; changed, if it has none.
        notes: Other differences between ``good`` and ``changed`` that may have caused the change.
    """

    series: Series
    change: Change
    good: Entry
    likely: Entry
    changed: Entry
    verdict: Literal["improved", "regressed", "changed"]
    notes: tuple[str, ...]


class Studies(NamedTuple):
    """Studies of a history, in the order of their commits."""

    entries: tuple[Entry, ...]
    total: int  # number of all studies; ``entries`` are the latest


class Trends(NamedTuple):
    """Series with their latest points."""

    series: tuple[tuple[Series, tuple[tuple[Entry, Point], ...]], ...]
    fallback: str | None = None  # metric that was taken, since no requested series is relative to a reference
    changes: tuple[Found, ...] = ()  # lasting changes of these series


class Changes(NamedTuple):
    """The changes found in some series."""

    found: tuple[Found, ...]
    searched: int  # number of series
    branch: str | None = None  # None: all branches
    fallback: str | None = None  # see Trends


class Points(NamedTuple):
    """Every point of a history. They may not fit into memory, so the rows can be read only once."""

    rows: Iterable[tuple[Entry, Series, Point]]


class TrackedSeries(NamedTuple):
    """One series with all its figures and lasting changes.

    Attributes:
        series: The series.
        at: Index of the study of each figure, ascending, shape (n,).
        figures: An array with the fields ``value``, ``lo`` and ``hi`` (NaN: unknown), and ``blocks``, shape (n,).
        changes: The changes, in order.
    """

    series: Series
    at: NDArray[np.intp]
    figures: NDArray[np.void]
    changes: tuple[Found, ...]


class TrackedHistory(NamedTuple):
    """All figures and changes of some series. They may not fit into memory, so ``tracked`` can be read only once."""

    studies: tuple[Entry, ...]  # in the order of their commits
    series: tuple[Series, ...]
    tracked: Iterable[TrackedSeries]
    branch: str | None = None  # None: all branches
    fallback: str | None = None  # see Trends


class Announced(Struct, frozen=True):
    """A change that a feed has announced. Later studies may move its place, but not its ID."""

    id: str
    page: str  # file name of its series
    rise: bool
    good: Moment  # of the last good study
    changed: Moment  # of the first changed study


class FeedMemory(Struct, frozen=True):
    """What a feed must remember from one run to the next."""

    id: str | None = None  # None: there was no feed
    announced: tuple[Announced, ...] = ()
