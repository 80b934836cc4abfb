"""``gilbench workloads``: the catalogue, and the user's own workloads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gilbench.cli import output as printing
from gilbench.cli.delivery import deliver, sort_files
from gilbench.cli.listener import ConsoleListener
from gilbench.cli.options import EXIT_FAILED_RUNS, Form, Output, Python, Quiet, Refresh, Variables, examples
from gilbench.model.errors import UsageError

_SKELETON = '''"""What the workload does, in one line.

Why it is measured, and what the results mean. Unit: operations. Source: origin of the workload.
"""

WORKLOAD = {
    "driver": "parallel",  # N threads repeat operation()
    "family": "cpu",  # table that shows it: cpu, offgil, or shared
    "unit": "operations",
    "parameters": {"size": 1000},  # defaults; --set size=2000 changes one
    # "checksum": "...",  # return value of operation() as a string; gilbench workloads test FILE shows it
    # "requires": ["python>=3.8"],
}


def prepare(parameters):
    """Run once per process, before the measurement; the threads share its return value."""
    return list(range(parameters["size"]))


def local(shared, index):
    """Run once per thread; operation() gets its return value. Without local(), it gets the shared value."""
    return list(shared)


def operation(local):
    """The measured operation, 10 to 300 microseconds long; returns a checksum, which must be constant."""
    return sum(value * value for value in local)
'''


def register(app: typer.Typer) -> None:
    """Add the group ``workloads``."""
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(list_)
    group.command("show")(show_source)
    group.command("new")(new)
    group.command("test", epilog=examples("gilbench workloads test ./mine.py --python 3.13"))(run_tests)
    app.add_typer(group, name="workloads", help="Show the catalogue; write and test your own workloads.")


def list_(*, output: Output = None, form: Form = "terminal") -> None:
    """List all workloads."""
    from gilbench.model.listings import Catalogue  # noqa: PLC0415
    from gilbench.plan.catalogue import catalogue  # noqa: PLC0415

    files = sort_files(output, "Catalogue")
    found = Catalogue(workloads=tuple(catalogue().values()))
    deliver(found, form, files)


def show_source(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Workload, pattern, or file.")],
) -> None:
    """Show what a workload does, its parameters, and its source."""
    from gilbench.plan.catalogue import catalogue, choose  # noqa: PLC0415

    for workload in choose(catalogue(), [name]):
        printing.write(f"# {workload.path}\n{Path(workload.path).read_text('utf-8')}")


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the workload; the file is NAME.py.")],
) -> None:
    """Write a commented skeleton of a workload."""
    path = Path(f"{name.removesuffix('.py')}.py")
    if not path.stem.isidentifier():
        raise UsageError(f"invalid workload name {path.stem!r}; use letters, digits, and _")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_SKELETON)
    except FileExistsError as error:
        raise UsageError(f"{path} exists; choose another name") from error
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another folder") from error
    printing.write(
        f"wrote {path}\ntest it: gilbench workloads test {path}\nrun it: gilbench run --workload ./{path.name}\n"
    )


def run_tests(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Workloads: files, names, or patterns.")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Test the whole catalogue.")] = False,
    python: Python = None,
    env: Variables = None,
    refresh: Refresh = False,
    threads: Annotated[str, typer.Option(metavar="LIST", help="Thread counts.")] = "1,2",
    output: Output = None,
    form: Form = "terminal",
    quiet: Quiet = False,
) -> int:
    """Run workloads briefly on every interpreter and compare their checksums."""
    if bool(names) == everything:
        raise UsageError("name the files or workloads to test, or pass --all")
    from gilbench.analyse.study.workload_tests import FAILED  # noqa: PLC0415
    from gilbench.work.workload_tests import check_workloads  # noqa: PLC0415

    files = sort_files(output, "WorkloadTests")
    with ConsoleListener(quiet=quiet) as listener:
        result = check_workloads(
            names or ["*"], python or ["all"], threads, listener, environment=env or (), refresh=refresh
        )
    deliver(result, form, files)
    return EXIT_FAILED_RUNS if any(one.outcome == FAILED for one in result.tests) else 0
