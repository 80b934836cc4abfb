"""``gilbench pythons``: finds, builds, and installs interpreters."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from gilbench.cli import output as printing
from gilbench.cli.delivery import deliver, sort_files
from gilbench.cli.options import Form, Output, Refresh, examples

if TYPE_CHECKING:
    from rich.console import Console

    from gilbench.interpreters.build import Progress


class Flavours(StrEnum):
    """The flavours of builds."""

    gil = "gil"
    t = "t"


def register(app: typer.Typer) -> None:
    """Add the group ``pythons``."""
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(list_)
    group.command(
        "build", epilog=examples("gilbench pythons build Python-3.14.0.tgz --flavour gil --flavour t")
    )(build)
    group.command("install", epilog=examples("gilbench pythons install 3.14t"))(install)
    app.add_typer(group, name="pythons", help="Find, build, and install interpreters.")


def list_(*, refresh: Refresh = False, output: Output = None, form: Form = "terminal") -> None:
    """List every interpreter of this machine, with its build."""
    from gilbench.interpreters import find_all  # noqa: PLC0415
    from gilbench.model.listings import Pythons  # noqa: PLC0415

    files = sort_files(output, "Pythons")
    usable, unusable = find_all(refresh=refresh)
    found = Pythons(interpreters=usable, unusable=unusable)
    deliver(found, form, files)


def build(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="CPython source folder or tarball.")],
    *,
    flavour: Annotated[
        list[Flavours] | None,
        typer.Option(
            metavar="FLAVOUR", help="gil, or t for a free-threaded build; repeat for both (default: gil)."
        ),
    ] = None,
    optimize: Annotated[
        bool, typer.Option("--optimize", help="Build with PGO and LTO; takes much longer.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Parallel compilers (default: number of CPUs).")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Folder in the cache (default: the version).")
    ] = None,
) -> None:
    """Build CPython from source into the cache, each flavour with the same flags."""
    from gilbench.interpreters.build import build as build_all  # noqa: PLC0415

    with _ProgressBar(printing.notes()) as bar:
        done = build_all(
            source,
            flavours=[one.value for one in flavour or [Flavours.gil]],
            optimize=optimize,
            jobs=jobs,
            name=name,
            report=bar.show,
        )
    for built in done:
        word = "was built earlier" if built.existed else "is built"
        printing.write(f"{built.interpreter.name} {word}: {built.interpreter.executable}\n")


def install(
    spec: Annotated[
        str,
        typer.Argument(metavar="SPEC", help="Interpreter as uv names it: 3.13t, 3.14, pypy3.11, graalpy."),
    ],
) -> None:
    """Install an interpreter with uv, in uv's own folder."""
    from gilbench.interpreters.install import install as install_one  # noqa: PLC0415

    with printing.notes().status("installing"):
        interpreter = install_one(spec)
    printing.write(f"{interpreter.name} is installed: {interpreter.executable}\n")


class _ProgressBar:
    """Shows the progress of a build: a bar on a terminal; otherwise, one line per phase."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
        from rich.progress import Progress as Bar  # noqa: PLC0415

        self._console = console
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
        self._bar = Bar(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=None)
        self._shown: tuple[str, str] | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Show the current progress."""
        now = (progress.name, progress.phase)
        if now != self._shown:
            self._shown = now
            self._bar.reset(self._task, description=f"{progress.name} {progress.phase}", total=None)
            if not self._console.is_terminal:
                self._console.print(f"{progress.name}: {progress.phase}")
        if progress.total:
            self._bar.update(self._task, completed=progress.done, total=progress.total)
