"""Tracks results across studies: adds studies to a history, reads series from it, and finds lasting changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gilbench.analyse.study.hosts import header_of_hosts
from gilbench.analyse.study.lasting import lasting_changes
from gilbench.analyse.study.report import build_report
from gilbench.interpreters.probe import one_line
from gilbench.model.errors import UsageError
from gilbench.model.history import (
    Changes,
    Entry,
    Found,
    Point,
    Points,
    Series,
    Studies,
    TrackedHistory,
    TrackedSeries,
    Trends,
)
from gilbench.model.metrics import METRICS
from gilbench.model.printed import PrintedResults
from gilbench.model.study import Struct
from gilbench.work.checkout import read_checkout
from gilbench.work.read import read_measured

if TYPE_CHECKING:
    from gilbench.store.history import Figures, History

EVERY = "all"  # in place of a metric: every metric
_COMPARABLE = "relative"  # the metric that does not depend on the host's speed


class SeriesRequest(Struct, frozen=True):
    """A selection of series. None matches everything, except for the metric."""

    workload: str | None = None
    interpreter: str | None = None
    metric: str | None = None  # all, or a name; None: relative, or the first of METRICS that a series has
    threads: int | None = None
    branch: str | None = None
    database: str | None = None  # file or URL; None: the user's own


class Added(NamedTuple):
    """The result of adding a study to a history."""

    digest: str
    new: bool  # False: added earlier; nothing changed
    commit: str | None
    branch: str | None
    figures: int
    database: str


def add_study(
    path: Path,
    *,
    commit: str | None = None,
    branch: str | None = None,
    label: str | None = None,
    database: str | None = None,
) -> Added:
    """Add the results of a study to a history. Adding a study again changes nothing.

    Args:
        path: The study, a file of pyperf, or what ftscalingbench or ccbench printed.
        commit: Measured commit; None: HEAD, if the current folder is a checkout.
        branch: Branch of the commit; None: the branch of the checkout.
        label: Any text, for example nightly.
        database: File or URL of the history; None: the user's own.

    Raises:
        StudyError: The study or the history cannot be read.
        UsageError: The study has no results or no date, or the extra is not installed.
    """
    content = read_measured(path)
    cells = content.cells if isinstance(content, PrintedResults) else build_report(content).cells
    if not cells:
        raise UsageError(f"{path} has no results yet\nResume it: gilbench run --resume {path}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    checkout = read_checkout(commit)
    if isinstance(content, PrintedResults) and checkout.committed is None:
        raise UsageError(f"{path} has no date; name the measured commit, in its checkout: --commit REVISION")
    commit, branch = checkout.commit or commit, branch or checkout.branch
    with _open(database, create=True) as history:
        new = history.add(
            content if isinstance(content, PrintedResults) else header_of_hosts(content),
            cells,
            digest,
            commit=commit,
            committed=checkout.committed,
            branch=branch,
            label=label,
        )
        return Added(digest, new, commit, branch, len(cells), history.name)


def list_studies(branch: str | None = None, last: int | None = None, database: str | None = None) -> Studies:
    """List the last studies in the order of their commits.

    Args:
        branch: Only studies of this branch; None: all.
        last: Number of studies; None: all.
        database: File or URL of the history; None: the user's own.
    """
    with _open(database) as history:
        entries = history.studies(branch)
    return Studies(tuple(entries[-last:] if last else entries), len(entries))


def read_trends(request: SeriesRequest, last: int = 20) -> Trends:
    """Read the last points of some series.

    Raises:
        UsageError: No series matches, or the extra is not installed.
    """
    with _open(request.database) as history:
        wanted, fallback = _wanted(history, request)
        studies = history.studies(request.branch)
        figures = list(history.figures(wanted, studies))
    series = [(found.series, tuple(_points(found, studies, last))) for found in figures]
    changes = (change for found in figures for change in _changes(found, studies))
    return Trends(tuple(series), fallback, tuple(changes))


def detect_changes(request: SeriesRequest) -> Changes:
    """Find commits with lasting changes, with confidence.

    Raises:
        UsageError: No series matches, or the extra is not installed.
    """
    with _open(request.database) as history:
        wanted, fallback = _wanted(history, request)
        studies = history.studies(request.branch)
        changes = [
            change for found in history.figures(wanted, studies) for change in _changes(found, studies)
        ]
    return Changes(tuple(changes), len(wanted), request.branch, fallback)


def track(request: SeriesRequest) -> TrackedHistory:
    """Return all figures and changes of some series. The figures are read lazily, one metric at a time.

    Raises:
        UsageError: No series matches, or the extra is not installed.
    """
    history = _open(request.database)
    try:
        wanted, fallback = _wanted(history, request)
        studies = history.studies(request.branch)
    except BaseException:
        history.close()
        raise
    tracked = _tracked(history, wanted, studies)
    return TrackedHistory(tuple(studies), tuple(wanted), tracked, request.branch, fallback)


def _tracked(history: History, wanted: Sequence[Series], studies: Sequence[Entry]) -> Iterator[TrackedSeries]:
    with history:
        for found in history.figures(wanted, studies):
            yield TrackedSeries(found.series, found.at, found.rows, tuple(_changes(found, studies)))


def _changes(found: Figures, studies: Sequence[Entry]) -> Iterator[Found]:
    return lasting_changes(found.series, studies, found.at, found.rows["value"])


def all_points(database: str | None = None) -> Points:
    """Return every point of every study. The points are read lazily, one metric at a time."""
    history = _open(database)
    return Points(_rows(history))


def _rows(history: History) -> Iterator[tuple[Entry, Series, Point]]:
    with history:
        studies = history.studies()
        for found in history.figures(history.series(), studies):
            for entry, point in _points(found, studies):
                yield entry, found.series, point


def _points(found: Figures, studies: Sequence[Entry], last: int = 0) -> Iterator[tuple[Entry, Point]]:
    """Yield the last figures of a series with their studies; 0: all."""
    from gilbench.store.history_records import as_points  # noqa: PLC0415 - slow to import

    entries = [studies[at] for at in found.at[-last:].tolist()]
    return zip(entries, as_points([entry.id for entry in entries], found.rows[-last:]), strict=True)


def _wanted(history: History, request: SeriesRequest) -> tuple[list[Series], str | None]:
    """Return the requested series, and their metric if it is neither requested nor relative.

    Raises:
        UsageError: There are none. It names the existing values.
    """
    fields: dict[str, str | int | None] = {
        "workload": request.workload,
        "metric": None if request.metric == EVERY else request.metric,
        "interpreter": request.interpreter,
        "threads": request.threads,
    }
    wanted = history.series(**fields)
    if wanted and request.metric is None:
        return _of_best_metric(wanted)
    if wanted:
        return wanted, None
    for name, value in fields.items():
        others = history.series(**{key: one for key, one in fields.items() if key != name})
        there = sorted({str(one.metric if name == "metric" else getattr(one.case, name)) for one in others})
        if there:
            raise UsageError(
                f"no series in the history has the {name} {one_line(str(value))}\n"
                f"Use {one_line(', '.join(there))}"
            )
    raise UsageError("no series in the history matches\nSee all series: gilbench history export")


def _of_best_metric(series: list[Series]) -> tuple[list[Series], str | None]:
    """Choose the series of the metric that is most comparable across time, and name the metric if it is not."""
    there = {one.metric for one in series}
    metric = next((name for name in (_COMPARABLE, *METRICS) if name in there), min(there))
    return [one for one in series if one.metric == metric], None if metric == _COMPARABLE else metric


def _open(database: str | None, *, create: bool = False) -> History:
    try:
        from gilbench.store.history import History, default_database  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        extra = "postgresql" if (database or "").startswith("postgres") else "history"
        raise UsageError(f"the history needs {error.name}: pip install 'gilbench[{extra}]'") from error
    return History(database or default_database(), create=create)
