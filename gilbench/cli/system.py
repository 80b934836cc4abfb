"""``gilbench system``: whether this machine is fit for measuring, before anything is measured."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gilbench.cli import output
from gilbench.cli.options import Format

_LOOK = 8.0  # s for all CPUs together
_MOST, _LEAST = 1.0, 0.1  # s for one


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("system")(system)


def system(
    python: Annotated[str, typer.Option(help="The interpreter that the observers are tried on.")] = "3",
    form: Annotated[Format, typer.Option("--format", help="For people or for programs.")] = Format.terminal,
) -> None:
    """Try what can be observed on this machine, see how steadily its CPUs run, and say what would help."""
    from gilbench import __version__  # noqa: PLC0415
    from gilbench.analyse.fitness import fitness  # noqa: PLC0415
    from gilbench.cli.planning import select_one  # noqa: PLC0415
    from gilbench.host import NoiseMeter, describe_host  # noqa: PLC0415
    from gilbench.machine import Machine  # noqa: PLC0415
    from gilbench.render.system import render_system, render_system_json  # noqa: PLC0415
    from gilbench.run.steadiness import measure_cpus  # noqa: PLC0415
    from gilbench.run.tried import try_observers  # noqa: PLC0415
    from gilbench.run.tuning import tuning_advice  # noqa: PLC0415

    interpreter = select_one("--python", python)
    host = describe_host()
    notes = output.notes(quiet=not sys.stderr.isatty())
    notes.print("measuring the CPUs", style="dim")  # no spinner: its thread would be seen
    meter = NoiseMeter()
    cpus = tuple(measure_cpus(min(_MOST, max(_LEAST, _LOOK / host.cores))))
    noise = meter.read()
    with notes.status("trying the observers") as status:
        observers = try_observers(interpreter, lambda name: status.update(f"trying the observer {name}"))
    machine = Machine(
        gilbench=__version__,
        host=host,
        interpreter=interpreter.name,
        observers=observers,
        cpus=cpus,
        noise=noise,
        advice=(*fitness(host, noise, cpus), *(f"pyperf: {line}" for line in tuning_advice())),
    )
    if form is Format.json:
        output.write(render_system_json(machine) + "\n")
    else:
        render_system(machine, output.console())
