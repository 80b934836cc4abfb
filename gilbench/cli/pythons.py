"""``gilbench pythons``: which interpreters there are, and how to get more."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from gilbench.cli import output
from gilbench.cli.options import Format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from gilbench.interpreters.build import Progress
    from gilbench.model import Build, Interpreter

_WIDE = 120  # columns from which each fact has a column of its own
_GIL_PROBES = {"take_gil", "drop_gil"}
_LOCK_PROBES = {"_PyParkingLot_Park", "PyMutex_Lock", "_PyMutex_LockTimed", "stop_the_world"}


class Flavours(StrEnum):
    """What can be built."""

    gil = "gil"
    t = "t"


def register(app: typer.Typer) -> None:
    """Add the group ``pythons``."""
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(list_)
    group.command("build")(build)
    group.command("install")(install)
    app.add_typer(group, name="pythons", help="Find, build and install the interpreters that are measured.")


def list_(
    form: Annotated[Format, typer.Option("--format", help="For people or for programs.")] = Format.terminal,
) -> None:
    """Show every interpreter of this machine, and what it says it is."""
    from gilbench.interpreters import find_all  # noqa: PLC0415

    usable, unusable = find_all()
    if form is Format.json:
        from gilbench.render.guard import json_text  # noqa: PLC0415

        both = {"interpreters": usable, "unusable": unusable}
        output.write(json_text(both) + "\n")
        return
    console = _console()
    wide = console.width >= _WIDE
    console.print(_table(usable, wide=wide))
    if not wide:  # long paths would make every row two or three lines high
        console.print(_pairs(("name", "path"), [(one.name, _short_path(one.executable)) for one in usable]))
    if unusable:
        broken = [(_short_path(one.executable), one.reason) for one in unusable]
        console.print(_pairs(("cannot be used", "because"), broken))
    console.print("probes: GIL = exact (take_gil, drop_gil), locks = of a free-threaded build", style="dim")


def build(
    source: Annotated[Path, typer.Argument(help="A CPython source folder or tarball.")],
    flavour: Annotated[
        list[Flavours] | None, typer.Option(help="With the GIL, or free-threaded (t); both if given twice.")
    ] = None,
    optimize: Annotated[
        bool, typer.Option("--optimize", help="With PGO and LTO; takes much longer.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Compilers at once; as many as CPUs if absent.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Folder in the cache instead of the version.")] = None,
) -> None:
    """Build CPython from source into the cache, each flavour with the same flags, ready for --python."""
    from gilbench.interpreters.build import build as build_all  # noqa: PLC0415

    console = _console()
    with _ProgressBar(console) as bar:
        done = build_all(
            source,
            flavours=[one.value for one in flavour or [Flavours.gil]],
            optimize=optimize,
            jobs=jobs,
            name=name,
            report=bar.show,
        )
    for built in done:
        word = "was built before" if built.existed else "is built"
        _say(console, f"{built.interpreter.name} {word}: {built.interpreter.executable}")


def install(
    spec: Annotated[str, typer.Argument(help="As uv names it: 3.13t, 3.14, pypy3.11, graalpy.")],
) -> None:
    """Install an interpreter through uv, into uv's own place."""
    from gilbench.interpreters.install import install as install_one  # noqa: PLC0415

    console = _console()
    with console.status("uv is at work"):
        interpreter = install_one(spec)
    _say(console, f"{interpreter.name} is installed: {interpreter.executable}")


def _console() -> Console:
    return output.console()


def _plain(text: str) -> Text:
    """Text from outside: no markup, no control characters."""
    from gilbench.render.figures import plain  # noqa: PLC0415

    return plain(text)


def _say(console: Console, text: str) -> None:
    console.print(_plain(text), soft_wrap=True)


def _table(interpreters: Sequence[Interpreter], *, wide: bool) -> Table:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("name", style="bold", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("GIL", no_wrap=True)
    for title in ("flags", "compiler", "libpython") if wide else ("build",):
        table.add_column(title, no_wrap=wide)
    table.add_column("probes", no_wrap=True)
    if wide:
        table.add_column("path", overflow="fold")
    for one in interpreters:
        build = one.build
        facts = (_flags(build), build.compiler or "", build.libpython or "")
        short = " ".join(fact for fact in (facts[0], facts[2]) if fact)
        cells = (
            one.name,
            _what(build),
            "yes" if one.gil_enabled else "no",
            *(facts if wide else (short,)),
            _probes(build),
            *((_short_path(one.executable),) if wide else ()),
        )
        table.add_row(*map(_plain, cells))
    return table


def _pairs(titles: tuple[str, str], rows: Sequence[tuple[str, str]]) -> Table:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*map(_plain, row))
    return table


def _what(build: Build) -> str:
    own = f" ({build.implementation_version})" if build.implementation_version else ""
    return f"{build.implementation} {build.version}{own}"


def _flags(build: Build) -> str:
    facts = {"JIT": build.jit, "PGO": build.pgo, "LTO": build.lto, "debug": build.debug}
    return " ".join([build.optimisation or "", *(name for name, fact in facts.items() if fact)]).strip()


def _probes(build: Build) -> str:
    names = {symbol.partition(".")[0] for symbol in build.gil_symbols}
    if build.free_threaded:
        return "locks" if names >= _LOCK_PROBES else "some" if names & _LOCK_PROBES else "none"
    if names >= _GIL_PROBES or (build.version_info < (3, 2) and "PyThread_acquire_lock" in names):
        return "GIL"
    return "stripped" if build.stripped and build.implementation == "CPython" else "none"


def _short_path(path: str) -> str:
    home = str(Path.home())
    return f"~{path.removeprefix(home)}" if path.startswith(home + os.sep) else path


class _ProgressBar:
    """Shows a build: a bar on a terminal, one line for each phase elsewhere."""

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
        """Take one report of the build."""
        now = (progress.name, progress.phase)
        if now != self._shown:
            self._shown = now
            self._bar.reset(self._task, description=f"{progress.name} {progress.phase}", total=None)
            if not self._console.is_terminal:
                _say(self._console, f"{progress.name}: {progress.phase}")
        if progress.total:
            self._bar.update(self._task, completed=progress.done, total=progress.total)
