"""Tracks results across studies: adds studies to a history, reads series from it, and finds lasting changes."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gilbench.analyse.study.report import build_report
from gilbench.host.process import ProcessError, capture, clean_environment
from gilbench.interpreters.probe import one_line
from gilbench.model.errors import UsageError
from gilbench.model.history import Changes, Entry, Found, Point, Points, Series, Studies, Trends
from gilbench.model.study import Struct
from gilbench.store.study import read_study

if TYPE_CHECKING:
    from gilbench.store.history import History


# A repository's configuration can name programs. With these options, git runs none of them and fetches nothing.
_HARMLESS = {
    "log.showSignature": "false",  # otherwise, gpg.program runs
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "protocol.allow": "never",
}


class SeriesRequest(Struct, frozen=True):
    """A selection of series. None matches everything."""

    workload: str | None = None
    interpreter: str | None = None
    metric: str = "relative"
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
        path: The study.
        commit: Measured commit; None: HEAD, if the current folder is a checkout.
        branch: Branch of the commit; None: the branch of the checkout.
        label: Any text, for example nightly.
        database: File or URL of the history; None: the user's own.

    Raises:
        StudyError: The study or the history cannot be read.
        UsageError: The study has no results, or the extra is not installed.
    """
    content = read_study(path)
    cells = build_report(content).cells
    if not cells:
        raise UsageError(f"{path} has no results yet\nResume it: gilbench run --resume {path}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    checkout = _checkout(commit)
    commit, branch = checkout.commit or commit, branch or checkout.branch
    with _open(database, create=True) as history:
        new = history.add(
            content.header,
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
        wanted = _wanted(history, request)
        return Trends(tuple((one, tuple(history.latest(one, last, request.branch))) for one in wanted))


def detect_changes(request: SeriesRequest) -> Changes:
    """Find commits with lasting changes, with confidence.

    Raises:
        UsageError: No series matches, or the extra is not installed.
    """
    with _open(request.database) as history:
        wanted = _wanted(history, request)
        return Changes(tuple(_changes(history, wanted, request.branch)), len(wanted), request.branch)


def all_points(database: str | None = None) -> Points:
    """Return every point of every study. The points are read lazily."""
    history = _open(database)
    return Points(_rows(history))


def _rows(history: History) -> Iterator[tuple[Entry, Series, Point]]:
    with history:
        studies = {entry.id: entry for entry in history.studies()}
        for series in history.series():
            for point in history.points(series):
                if point.study in studies:  # skip studies that were added meanwhile
                    yield studies[point.study], series, point


def _changes(history: History, wanted: list[Series], branch: str | None) -> Iterator[Found]:
    try:
        from gilbench.analyse.stats.changes import find_changes  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise UsageError(f"detect needs {error.name}: pip install 'gilbench[history]'") from error
    entries = history.studies(branch)
    places = {entry.id: place for place, entry in enumerate(entries)}
    for series in wanted:
        # Zero and infinity have no logarithm.
        points = sorted(
            (places[study], math.log(value))
            for study, value in history.values(series)
            if study in places and 0 < value < math.inf
        )
        for change in find_changes([value for _, value in points]):
            sides = (entries[points[at][0]] for at in (change.first - 1, change.at, change.last))
            yield Found(series, change, *sides)


def _wanted(history: History, request: SeriesRequest) -> list[Series]:
    """Return the requested series. If there are none, raise an error with the existing values."""
    fields: dict[str, str | int | None] = {
        "workload": request.workload,
        "metric": request.metric,
        "interpreter": request.interpreter,
        "threads": request.threads,
    }
    wanted = history.series(**fields)
    if wanted:
        return wanted
    for name, value in fields.items():
        others = history.series(**{key: one for key, one in fields.items() if key != name})
        there = sorted({str(one.metric if name == "metric" else getattr(one.case, name)) for one in others})
        if there:
            raise UsageError(
                f"no series in the history has the {name} {one_line(str(value))}\n"
                f"Use {one_line(', '.join(there))}"
            )
    raise UsageError("no series in the history matches\nSee all series: gilbench history export")


def _open(database: str | None, *, create: bool = False) -> History:
    try:
        from gilbench.store.history import History, default_database  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise UsageError(f"the history needs {error.name}: pip install 'gilbench[history]'") from error
    return History(database or default_database(), create=create)


class _Checkout(NamedTuple):
    """The git checkout in the current folder."""

    commit: str | None = None
    committed: str | None = None
    branch: str | None = None


def _checkout(revision: str | None) -> _Checkout:
    """Ask git for a revision; None: HEAD. Outside a checkout, nothing is known."""
    about = _git(
        "show",
        "-s",
        "--no-show-signature",
        "--format=%H %cI",
        "--end-of-options",
        f"{revision or 'HEAD'}^{{commit}}",
        "--",
    )
    if about is None:
        return _Checkout()
    branch = _git("symbolic-ref", "--short", "-q", "HEAD") if revision is None else None
    commit, committed = about.split(" ", 1)
    return _Checkout(commit, committed, branch)


def _git(*arguments: str) -> str | None:
    options = [word for name, value in _HARMLESS.items() for word in ("-c", f"{name}={value}")]
    environment = clean_environment({"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"})
    try:
        git = capture(["git", "--no-pager", *options, *arguments], seconds=10, env=environment)
    except ProcessError:  # not installed
        return None
    return git.stdout.strip() if git.status == 0 else None
