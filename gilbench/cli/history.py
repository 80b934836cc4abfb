"""``gilbench history``: tracks results across studies, and finds the commits that changed them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gilbench.cli import output as printing
from gilbench.cli.delivery import deliver, show, sort_files
from gilbench.cli.options import ChartName, Form, Output, examples, known_format
from gilbench.host.files import refuse_unwritable
from gilbench.model.excerpt import excerpt

if TYPE_CHECKING:
    from gilbench.work.history import SeriesRequest

LISTED = 30  # number of studies listed in a terminal

Database = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|URL",
        help="History: SQLite file, or URL such as postgresql://host/name (default: one per user).",
    ),
]
Branch = Annotated[str | None, typer.Option(metavar="NAME", help="Only studies of this branch.")]
Interpreter = Annotated[str | None, typer.Option(metavar="NAME", help="Only this interpreter.")]
Metric = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Metric, or all (default: relative, which is throughput relative to the reference; "
        "without a reference, throughput).",
    ),
]
Threads = Annotated[int | None, typer.Option(metavar="N", help="Only this number of threads.")]


def register(app: typer.Typer) -> None:
    """Add the group ``history``."""
    group = typer.Typer(no_args_is_help=True)
    group.command("add", epilog=examples("gilbench history add study.jsonl --label nightly"))(add)
    group.command("list")(list_)
    group.command("show", epilog=examples("gilbench history show countdown --threads 2"))(show_series)
    group.command("detect", epilog=examples("gilbench history detect --branch main"))(detect)
    group.command(
        "site",
        epilog=examples("gilbench history site ./site --commit-url 'https://github.com/o/r/commit/{commit}'"),
    )(site)
    group.command("export", epilog=examples("gilbench history export -o history.csv"))(export)
    app.add_typer(group, name="history", help="Track results across studies and detect changes.")


def add(
    study: Annotated[
        Path,
        typer.Argument(metavar="STUDY", help="Study, pyperf file, or output of ftscalingbench or ccbench."),
    ],
    *,
    commit: Annotated[
        str | None,
        typer.Option(metavar="REVISION", help="Commit that was measured (default: HEAD of the checkout)."),
    ] = None,
    branch: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Branch of the commit (default: branch of the checkout)."),
    ] = None,
    label: Annotated[str | None, typer.Option(metavar="TEXT", help="Any text, for example nightly.")] = None,
    database: Database = None,
) -> None:
    """Add the results of a study. Adding it again changes nothing."""
    from gilbench.work.history import add_study  # noqa: PLC0415

    added = add_study(study, commit=commit, branch=branch, label=label, database=database)
    if not added.new:
        printing.write(f"study {added.digest[:7]} is in the history already; nothing changed\n")
        return
    names = (added.commit and f"commit {added.commit[:12]}", added.branch)
    at = " of ".join(name for name in names if name) or "no commit"
    printing.write(
        f"added study {added.digest[:7]} ({excerpt(at, 60)}) with {added.figures} results to {added.database}\n"
    )


def list_(
    *,
    branch: Branch = None,
    last: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help=f"Show the last N studies (default: {LISTED} in a terminal, else all)."
        ),
    ] = None,
    output: Output = None,
    form: Form = "terminal",
    database: Database = None,
) -> None:
    """List the studies in the order of their commits."""
    from gilbench.work.history import list_studies  # noqa: PLC0415

    files = sort_files(output, "Studies")
    studies = list_studies(branch, last or (LISTED if form == "terminal" else None), database)
    deliver(studies, form, files)


def show_series(
    context: typer.Context,
    workload: Annotated[str, typer.Argument(metavar="WORKLOAD", help="Workload, as reports name it.")],
    *,
    interpreter: Interpreter = None,
    metric: Metric = None,
    threads: Threads = None,
    branch: Branch = None,
    last: Annotated[int, typer.Option(min=1, metavar="N", help="Number of studies.")] = 20,
    output: Output = None,
    chart: ChartName = None,
    form: Form = "terminal",
    database: Database = None,
) -> None:
    """Plot the latest results of a workload."""
    from gilbench.work.history import read_trends  # noqa: PLC0415

    files = sort_files(output, "Trends", chart=chart, printed=form, context=context)
    trends = read_trends(_request(workload, interpreter, metric, threads, branch, database), last)
    deliver(trends, form, files)


def detect(
    *,
    workload: Annotated[str | None, typer.Option(metavar="NAME", help="Only this workload.")] = None,
    interpreter: Interpreter = None,
    metric: Metric = None,
    threads: Threads = None,
    branch: Branch = None,
    output: Output = None,
    form: Form = "terminal",
    database: Database = None,
) -> None:
    """Find commits with lasting changes, with confidence."""
    from gilbench.work.history import detect_changes  # noqa: PLC0415

    files = sort_files(output, "Changes")
    changes = detect_changes(_request(workload, interpreter, metric, threads, branch, database))
    deliver(changes, form, files)


def site(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder to write: new, empty, or from this command."),
    ],
    *,
    workload: Annotated[str | None, typer.Option(metavar="NAME", help="Only this workload.")] = None,
    interpreter: Interpreter = None,
    metric: Metric = None,
    threads: Threads = None,
    branch: Branch = None,
    last: Annotated[
        int, typer.Option(min=1, metavar="N", help="Number of studies in the table of each page.")
    ] = 100,
    commit_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Link of commits, with {commit} in the place of the commit."),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Address of the folder on the web, for the feed.")
    ] = None,
    known_bad: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML file of known regressions, which do not count."),
    ] = None,
    database: Database = None,
) -> None:
    """Write a site: all series, regressions first, a page each, a feed (Atom), and badges.

    A later run rewrites only pages that changed.
    """
    from gilbench.render.site.links import site_links  # noqa: PLC0415
    from gilbench.render.site.names import INDEX  # noqa: PLC0415
    from gilbench.render.site.site import HistorySite  # noqa: PLC0415
    from gilbench.work.check import read_known  # noqa: PLC0415
    from gilbench.work.history import track  # noqa: PLC0415
    from gilbench.work.site_folder import open_site  # noqa: PLC0415

    links, known = site_links(commit_url, base_url), read_known(known_bad)
    tracked = track(_request(workload, interpreter, metric, threads, branch, database))
    with open_site(folder) as target:
        made = HistorySite(tracked, links, target.feed, last, known)
        target.plan(made.names())
        for name, text in made.files():
            target.write(name, text)
        target.finish(made.feed)
    files = f"{target.written} files written, {target.removed} removed"
    printing.write(f"wrote {folder.joinpath(INDEX)}: {made.title} ({files})\n")


def export(
    *,
    form: Annotated[
        str | None,
        typer.Option(
            "-f",
            "--format",
            metavar="FORMAT",
            help="Output format (default: by the file's ending, else csv).",
            callback=known_format,
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="File to write (default: stdout).")
    ] = None,
    database: Database = None,
) -> None:
    """Export every result of every study, one row each."""
    from gilbench.cli.files import open_file  # noqa: PLC0415
    from gilbench.render import formats  # noqa: PLC0415
    from gilbench.work.history import all_points  # noqa: PLC0415

    if form is None:
        form = formats.format_of(output) if output is not None and formats.is_known(output) else "csv"
    if output is not None:
        refuse_unwritable(output)
    points = all_points(database)  # before the file is opened, which empties it
    if output is None:
        show(points, form)
        return
    with open_file(output) as file:
        formats.write(points, form, file)


def _request(
    workload: str | None,
    interpreter: str | None,
    metric: str | None,
    threads: int | None,
    branch: str | None,
    database: str | None,
) -> SeriesRequest:
    from gilbench.work.history import SeriesRequest  # noqa: PLC0415

    return SeriesRequest(
        workload=workload,
        interpreter=interpreter,
        metric=metric,
        threads=threads,
        branch=branch,
        database=database,
    )
