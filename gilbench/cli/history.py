"""``gilbench history``: figures of many studies over time, and the commits where they changed."""

from __future__ import annotations

import contextlib
import math
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from gilbench.cli import output as printing
from gilbench.cli.options import Format
from gilbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from _typeshed import SupportsWrite

    from gilbench.render.history import Found
    from gilbench.store.history import History
    from gilbench.store.history_tables import Series

PLOTS = 4  # series that fit a terminal
LISTED = 30  # studies that fit a terminal


class ExportFormat(StrEnum):
    """What is written to a file."""

    csv = "csv"
    json = "json"


Database = Annotated[
    str | None,
    typer.Option(
        help="A file (SQLite) or a URL such as postgresql://host/name; one for each user if absent."
    ),
]
Form = Annotated[Format, typer.Option("--format", help="For people or for programs.")]
Branch = Annotated[str | None, typer.Option(help="Only studies of this branch.")]
Interpreter = Annotated[str | None, typer.Option(help="Only this interpreter.")]
Metric = Annotated[str, typer.Option(help="Which figure; relative: throughput divided by the reference's.")]
Threads = Annotated[int | None, typer.Option(help="Only this number of threads.")]


def register(app: typer.Typer) -> None:
    """Add the group ``history``."""
    group = typer.Typer(no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("detect")(detect)
    group.command("export")(export)
    app.add_typer(
        group, name="history", help="Follow figures over many studies, and find where they changed."
    )


def add(
    study: Annotated[Path, typer.Argument(help="A study file.")],
    commit: Annotated[
        str | None, typer.Option(help="What was measured; HEAD if the current folder is a checkout.")
    ] = None,
    branch: Annotated[str | None, typer.Option(help="Where; the branch of the checkout if absent.")] = None,
    label: Annotated[str | None, typer.Option(help="As you like, e.g. nightly.")] = None,
    database: Database = None,
) -> None:
    """Add the figures of a study. Adding it again changes nothing."""
    import hashlib  # noqa: PLC0415

    from gilbench.analyse.report import build_report  # noqa: PLC0415
    from gilbench.render.history import shown  # noqa: PLC0415
    from gilbench.store.study import read_study  # noqa: PLC0415

    content = read_study(study)
    cells = build_report(content).cells
    if not cells:
        raise UsageError(f"{study} has no figures yet\nGo on with it: gilbench run --resume {study}")
    digest = hashlib.sha256(study.read_bytes()).hexdigest()
    checkout = _checkout(commit)
    commit, branch = checkout.commit or commit, branch or checkout.branch
    with _open(database, create=True) as history:
        added = history.add(
            content.header,
            cells,
            digest,
            commit=commit,
            committed=checkout.committed,
            branch=branch,
            label=label,
        )
    if not added:
        _print(f"study {digest[:7]} is in the history already: nothing changed")
        return
    at = shown(" of ".join(filter(None, (commit and f"commit {commit[:12]}", branch))) or "no commit").plain
    _print(f"added study {digest[:7]} ({at}) with {len(cells)} figures to {shown(history.name, 500).plain}")


def list_(
    branch: Branch = None,
    last: Annotated[
        int | None, typer.Option(min=1, help=f"How many; {LISTED} in a terminal, else all, if absent.")
    ] = None,
    form: Form = Format.terminal,
    database: Database = None,
) -> None:
    """Show the studies in the order of their commits."""
    from gilbench.render.history import studies_table, study_row, write_json  # noqa: PLC0415

    with _open(database) as history:
        entries = history.studies(branch)
    if form is Format.json:
        write_json("studies", map(study_row, entries[-last:] if last else entries), printing.stdout())
        return
    latest = entries[-(last or LISTED) :]
    _print(studies_table(latest))
    if len(latest) < len(entries):
        _print(f"{len(entries) - len(latest)} older ones are not shown: --last {len(entries)}")


def show(
    workload: Annotated[str, typer.Argument(help="As it is named in reports.")],
    *,
    interpreter: Interpreter = None,
    metric: Metric = "relative",
    threads: Threads = None,
    branch: Branch = None,
    last: Annotated[int, typer.Option(min=1, help="How many studies.")] = 20,
    form: Form = Format.terminal,
    database: Database = None,
) -> None:
    """Plot what the latest studies say about a workload."""
    from gilbench.render.history import (  # noqa: PLC0415
        figure_name,
        point_row,
        points_table,
        series_name,
        series_row,
        study_row,
        write_json,
    )
    from gilbench.render.plot import plot_series  # noqa: PLC0415

    with _open(database) as history:
        wanted = _wanted(history, workload=workload, interpreter=interpreter, metric=metric, threads=threads)
        drawn = wanted if form is Format.json else wanted[:PLOTS]
        latest = [(series, history.latest(series, last, branch)) for series in drawn]
    if form is Format.json:
        rows = (
            {**series_row(series), "points": [{**study_row(entry), **point_row(at)} for entry, at in points]}
            for series, points in latest
        )
        write_json("series", rows, printing.stdout())
        return
    for series, points in latest:
        _print(
            series_name(series),
            figure_name(series),
            plot_series([point.value for _, point in points], series.unit),
        )
        _print(points_table(points, series.unit), "")
    if len(drawn) < len(wanted):
        _print(f"{len(wanted) - len(drawn)} more series: choose with --interpreter or --threads")


def detect(
    *,
    workload: Annotated[str | None, typer.Option(help="Only this workload.")] = None,
    interpreter: Interpreter = None,
    metric: Metric = "relative",
    threads: Threads = None,
    branch: Branch = None,
    form: Form = Format.terminal,
    database: Database = None,
) -> None:
    """Find the commits where a figure changed for good, and say how sure that is."""
    from gilbench.render.history import change_row, describe, write_json  # noqa: PLC0415

    with _open(database) as history:
        wanted = _wanted(history, workload=workload, interpreter=interpreter, metric=metric, threads=threads)
        found = _find(history, wanted, branch)
    if form is Format.json:
        write_json("changes", map(change_row, found), printing.stdout())
        return
    for change in found:
        _print(describe(change), "")
    series = f"{len(wanted)} series" if branch is None else f"{len(wanted)} series of branch {branch}"
    _print(f"{len(found)} change{'s'[: len(found) != 1]} in {series}")


def export(
    form: Annotated[
        ExportFormat, typer.Option("--format", help="One row for each figure.")
    ] = ExportFormat.csv,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A file; absent: printed.")] = None,
    database: Database = None,
) -> None:
    """Write every figure of every study."""
    from gilbench.render.history import write_csv, write_json  # noqa: PLC0415

    with _open(database) as history, _destination(output) as out:
        if form is ExportFormat.json:
            write_json("points", _rows(history), out)
        else:
            write_csv(_rows(history), out)


class _Checkout(NamedTuple):
    """What git says of the current folder."""

    commit: str | None = None
    committed: str | None = None
    branch: str | None = None


def _checkout(revision: str | None) -> _Checkout:
    """Ask git for a revision, or for what is checked out; nothing is known outside of a checkout."""
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


# A repository's own configuration can name programs: none of them is run, and nothing is fetched.
_HARMLESS = {
    "log.showSignature": "false",  # else gpg.program
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "protocol.allow": "never",
}


def _git(*arguments: str) -> str | None:
    from gilbench.process import ProcessError, capture, clean_environment  # noqa: PLC0415

    options = [word for name, value in _HARMLESS.items() for word in ("-c", f"{name}={value}")]
    environment = clean_environment({"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"})
    try:
        git = capture(["git", "--no-pager", *options, *arguments], seconds=10, env=environment)
    except ProcessError:  # not installed
        return None
    return git.stdout.strip() if git.status == 0 else None


def _open(database: str | None, *, create: bool = False) -> History:
    try:
        from gilbench.store.history import History, default_database  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(f"the history needs {error.name}: pip install 'gilbench[history]'") from error
    return History(database or default_database(), create=create)


def _wanted(history: History, **fields: str | int | None) -> list[Series]:
    """The series that are asked for; where there are none, what there is instead."""
    from gilbench.render.history import shown  # noqa: PLC0415

    wanted = history.series(**fields)
    if wanted:
        return wanted
    for name in ("workload", "metric", "interpreter", "threads"):
        rest = {key: value for key, value in fields.items() if key != name}
        there = sorted({str(getattr(series, name)) for series in history.series(**rest)})
        if there:
            choice, asked = shown(", ".join(there), 200).plain, shown(str(fields[name])).plain
            raise UsageError(f"the history has no such series with {name} {asked}\nThere is: {choice}")
    raise UsageError("the history has no such series\nSee what there is: gilbench history export")


def _find(history: History, wanted: Sequence[Series], branch: str | None) -> list[Found]:
    """Find the changes of each series, in the order of its studies."""
    try:
        from gilbench.analyse.changes import find_changes  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(f"detect needs {error.name}: pip install 'gilbench[history]'") from error
    from gilbench.render.history import Found  # noqa: PLC0415

    entries = history.studies(branch)
    places = {entry.id: place for place, entry in enumerate(entries)}
    found = []
    for series in wanted:
        # A ratio has a logarithm; what was never served, or not at all, has none.
        points = sorted(
            (places[study], math.log(value))
            for study, value in history.values(series)
            if study in places and 0 < value < math.inf
        )
        for change in find_changes([value for _, value in points]):
            sides = (entries[points[at][0]] for at in (change.first - 1, change.at, change.last))
            found.append(Found(series, change, *sides))
    return found


def _rows(history: History) -> Iterator[dict[str, Any]]:
    from gilbench.render.history import point_row, series_row, study_row  # noqa: PLC0415

    studies = {entry.id: study_row(entry) for entry in history.studies()}
    for series in history.series():
        fields = series_row(series)
        for point in history.points(series):
            if point.study in studies:  # not added meanwhile
                yield {**studies[point.study], **fields, **point_row(point)}


@contextlib.contextmanager
def _destination(path: Path | None) -> Iterator[SupportsWrite[str]]:
    if path is None:
        yield printing.stdout()
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as out:
            yield out
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another place with -o") from error


def _print(*parts: Any) -> None:
    for part in parts:
        if isinstance(part, str):
            printing.write(f"{part}\n")  # a path stays in one line
        else:
            printing.console().print(part)
