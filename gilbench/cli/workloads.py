"""``gilbench workloads``: the catalogue, and workloads of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gilbench.cli import output
from gilbench.cli.options import Format
from gilbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gilbench.analyse.trial import Trial
    from gilbench.axes import Axes
    from gilbench.model import Interpreter, Plan, Run, Workload

EXIT_FAILED_RUNS = 4
_SKELETON = '''"""One line that says what it does.

What it is for, and what it shows. Unit: operations. Source: where the idea comes from.
"""

WORKLOAD = {
    "driver": "parallel",  # N threads repeat operation() for a time
    "family": "cpu",  # cpu, offgil or shared: the table that it is shown in
    "unit": "operations",
    "parameters": {"size": 1000},  # --set size=2000 changes it
    # "checksum": "...",  # what operation() returns, as a string; gilbench workloads test FILE says it
    # "requires": ["python>=3.8"],
}


def prepare(parameters):
    """Once per process, before the clock starts; what it returns is shared by the threads."""
    return list(range(parameters["size"]))


def local(shared, index):
    """Once per thread: what that thread's operations get. Leave it out to hand on what is shared."""
    return list(shared)


def operation(local):
    """What is measured, 10 to 300 microseconds of it; returns a checksum of the work, the same each time."""
    return sum(value * value for value in local)
'''


def register(app: typer.Typer) -> None:
    """Add the group ``workloads``."""
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("new")(new)
    group.command("test")(try_out)
    app.add_typer(group, name="workloads", help="The catalogue, and workloads of your own.")


def list_(
    form: Annotated[Format, typer.Option("--format", help="For people or for programs.")] = Format.terminal,
) -> None:
    """Show all workloads."""
    from gilbench.workloads import catalogue  # noqa: PLC0415

    found = list(catalogue().values())
    if form is Format.json:
        from gilbench.render.guard import json_text  # noqa: PLC0415

        output.write(json_text({"workloads": found}) + "\n")
        return
    from gilbench.render.workloads import catalogue_table  # noqa: PLC0415

    output.console().print(catalogue_table(found))


def show(name: Annotated[str, typer.Argument(help="A workload, or the path of a file.")]) -> None:
    """Show what a workload does, its parameters and its source."""
    from gilbench.workloads import catalogue, choose  # noqa: PLC0415

    for workload in choose(catalogue(), [name]):
        output.write(f"# {workload.path}\n{Path(workload.path).read_text('utf-8')}")


def new(name: Annotated[str, typer.Argument(help="What it will be called; the file is NAME.py.")]) -> None:
    """Write a commented skeleton of a workload."""
    path = Path(f"{name.removesuffix('.py')}.py")
    if not path.stem.isidentifier():
        raise UsageError(f"{path.stem!r} cannot be the name of a workload; use letters, digits and _")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_SKELETON)
    except FileExistsError as error:
        raise UsageError(f"{path} exists; choose another name") from error
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    output.write(
        f"wrote {path}\nnext: gilbench workloads test {path}; gilbench run --workload ./{path.name}\n"
    )


def try_out(
    names: Annotated[list[str] | None, typer.Argument(help="Files, names or patterns.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="The whole catalogue.")] = False,
    python: Annotated[list[str] | None, typer.Option(help="As for run; all interpreters if absent.")] = None,
    threads: Annotated[str, typer.Option(help="Thread counts.")] = "1,2",
    form: Annotated[Format, typer.Option("--format", help="For people or for programs.")] = Format.terminal,
) -> int:
    """Run workloads briefly on every interpreter: do they work, agree on their checksum, last long enough?"""
    from gilbench import workloads as catalogue  # noqa: PLC0415
    from gilbench.analyse.trial import FAILED, trials  # noqa: PLC0415
    from gilbench.axes import Axes, parse_threads  # noqa: PLC0415
    from gilbench.interpreters import select  # noqa: PLC0415
    from gilbench.render.figures import plain  # noqa: PLC0415

    if bool(names) == everything:
        raise UsageError("name the files or workloads to test, or say --all")
    known = catalogue.catalogue()
    chosen = catalogue.choose(known, names or ["*"])
    interpreters = select(python or ["all"]).interpreters
    gil = (False, True) if any(one.build.free_threaded for one in interpreters) else (None,)
    axes = Axes(threads=parse_threads(threads, 1), gil=gil)
    notes = output.notes()
    tried: list[Trial] = []
    with notes.status("testing", refresh_per_second=1) as status:
        for number, workload in enumerate(chosen, 1):
            status.update(plain(f"testing {workload.name}, {number} of {len(chosen)}"))
            tried += trials(workload, *_try(workload, known, interpreters, axes))
    if form is Format.json:
        from gilbench.render.guard import json_text  # noqa: PLC0415

        output.write(json_text({"trials": tried}) + "\n")
    else:
        from gilbench.render.workloads import trials_table  # noqa: PLC0415

        output.console().print(trials_table(tried))
    return EXIT_FAILED_RUNS if any(trial.outcome == FAILED for trial in tried) else 0


def _try(
    workload: Workload,
    known: Mapping[str, Workload],
    interpreters: Sequence[Interpreter],
    axes: Axes,
) -> tuple[Plan, list[Run]]:
    """Run one workload briefly, its cases side by side."""
    from gilbench.axes import cases  # noqa: PLC0415
    from gilbench.model import Profile  # noqa: PLC0415
    from gilbench.plan import make_plan  # noqa: PLC0415
    from gilbench.run.measure import run_plan  # noqa: PLC0415
    from gilbench.run.session import Hooks  # noqa: PLC0415

    brief = Profile(
        name="trial",
        blocks=1,
        slices=2,
        slice_seconds=0.02,
        latency_seconds=0.1,
        warmup_seconds=0.2,
        few_choices=True,
    )
    plan = make_plan(
        list(cases([workload], interpreters, axes)),
        profile=brief,
        interpreters=interpreters,
        workloads=[workload],
        reference=interpreters[0].name,
        seed=0,
    )
    runs: list[Run] = []
    hooks = Hooks(save=runs.append, stop=lambda: False, progress=lambda _text, _share: None)
    run_plan(plan, interpreters, {**known, workload.name: workload}, hooks)
    return plan, runs
