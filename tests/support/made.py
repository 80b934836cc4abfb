"""Experiments that were never made."""

from __future__ import annotations

from typing import Any

from gilbench.model.scores import Configuration, Experiments, HeaderLines, Outcome
from gilbench.model.study import Build, Failure, Interpreter
from gilbench.plan.experiments import configurations


def interpreter(
    name: str, version: tuple[int, int, int], implementation: str = "CPython", *, threaded: bool = False
) -> Interpreter:
    build = Build(
        implementation=implementation,
        version=".".join(map(str, version)),
        version_info=version,
        free_threaded=threaded,
    )
    return Interpreter(
        name=name, executable=f"/x/{name}", binary=f"/x/{name}", build=build, gil_enabled=not threaded
    )


PAIR = configurations([interpreter("3.13", (3, 13, 5)), interpreter("3.13t", (3, 13, 5), threaded=True)])


def answered(configuration: Configuration, experiment: str, **figures: Any) -> Outcome:
    return Outcome(id=experiment, configuration=configuration.name, figures=figures)


def failed(configuration: Configuration, experiment: str, kind: str, message: str = "seen") -> Outcome:
    return Outcome(
        id=experiment, configuration=configuration.name, failure=Failure(kind=kind, message=message)
    )


def experiments(*outcomes: Outcome, among: tuple[Configuration, ...] = PAIR) -> Experiments:
    headers: dict[str, HeaderLines | None] = {among[0].name: HeaderLines(1000, 33, 100, 9)}
    return Experiments(configurations=among, outcomes=outcomes, headers=headers)
