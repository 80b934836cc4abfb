"""Trials that were never made."""

from __future__ import annotations

from typing import Any

from gilbench.interpreters.headers import Counted
from gilbench.model import Build, Failure, Interpreter
from gilbench.run.properties import Column, Outcome, Trials, columns_of


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


PAIR = columns_of([interpreter("3.13", (3, 13, 5)), interpreter("3.13t", (3, 13, 5), threaded=True)])


def answered(column: Column, trial: str, **figures: Any) -> Outcome:
    return Outcome(id=trial, column=column.name, figures=figures)


def failed(column: Column, trial: str, kind: str, message: str = "seen") -> Outcome:
    return Outcome(id=trial, column=column.name, failure=Failure(kind=kind, message=message))


def trials(*outcomes: Outcome, columns: tuple[Column, ...] = PAIR) -> Trials:
    headers: dict[str, Counted | None] = {columns[0].name: Counted(1000, 33, 100, 9)}
    return Trials(columns=columns, outcomes=outcomes, headers=headers)
