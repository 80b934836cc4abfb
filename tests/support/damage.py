"""Studies in which one value is another one: every field of the lines of a real file, changed one at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

from studies import StudyBuilder, counted, make_workload, named, observe

from gilbench.model.study import Study

Path = tuple[str | int, ...]
HUGE = 10**30
NUMBERS: tuple[Any, ...] = (-1, -0.5, 0, 10**15, HUGE, 1e300, "many", None, True)
TEXTS: tuple[Any, ...] = ("", "no such one", "\x1b[31m[red]\x00\n\ud800", 7, None, ["a"], {"a": 1})
FACTS: tuple[Any, ...] = ("yes", 3, None)


class Change(NamedTuple):
    """One value of one line, and what it becomes."""

    line: int  # from 1
    path: Path
    value: Any

    def __str__(self) -> str:
        return f"line {self.line} {'.'.join(map(str, self.path))} = {str(self.value)[:20]!r}"


def small_study() -> Study:
    """A study with something of each kind, and little of it."""
    builder = StudyBuilder(
        [named("3.11", "3.11.7"), named("3.13t", free_threaded=True)],
        [
            make_workload("countdown", checksum="0", parameters={"size": 3, "how": "up"}),
            make_workload("tcp_echo_cpu", "mixed"),
            make_workload("delivery", "signals", parameters={"interval": 0.02, "main": "asleep"}),
        ],
        blocks=3,
    )
    for interpreter in ("3.11", "3.13t"):
        for threads in (1, 2, 4):
            builder.work("countdown", interpreter, 1000.0, threads=threads, readings=(counted(),))
        quick = [1e-4 + 1e-6 * step for step in range(20)]
        for threads in (0, 1):
            builder.serve(
                "tcp_echo_cpu", interpreter, quick, rate=900.0, threads=threads, readings=(counted(),)
            )
            for main in ("asleep", "busy"):
                builder.serve(
                    "delivery",
                    interpreter,
                    quick[:18],
                    threads=threads,
                    parameters={"main": "busy"} if main == "busy" else {},
                    readings=(counted(),),
                )
    observe(builder, "countdown", "3.11", "3.13t")
    builder.fail(builder.case("countdown", "3.13t", 8))
    return builder.study()


def changes(lines: list[dict[str, Any]]) -> Iterator[Change]:
    """Every change of every kind of field; of a list the first and the last entry stand for all."""
    kinds = set()
    for number, record in enumerate(lines, start=1):
        for path in _paths(record):
            kind = tuple(part if isinstance(part, str) else 0 for part in path)
            value = _at(record, path)
            # of fields that say the same of several runs one is enough, of each shape
            if number > 1 and (kind, type(value)) in kinds:
                continue
            kinds.add((kind, type(value)))
            for other in _others(value):
                if other != value or type(other) is not type(value):
                    yield Change(number, path, other)


def changed(lines: list[dict[str, Any]], change: Change) -> list[dict[str, Any]]:
    """The lines with that change in one of them."""
    record = copy.deepcopy(lines[change.line - 1])
    _at(record, change.path[:-1])[change.path[-1]] = change.value
    return [*lines[: change.line - 1], record, *lines[change.line :]]


def _others(value: Any) -> tuple[Any, ...]:
    if isinstance(value, bool):
        return FACTS
    if isinstance(value, int | float):
        return (*NUMBERS, value * 1000)
    if isinstance(value, str):
        return TEXTS
    if isinstance(value, list):
        return ([], value + value, None, 3)
    if isinstance(value, dict):
        return ({}, {"no such one": 1.0}, None, 3)
    return (-1, 0.5, HUGE, "some", ["a"], True)  # None: not known


def _paths(value: Any, so_far: Path = ()) -> Iterator[Path]:
    if so_far:
        yield so_far
    if isinstance(value, dict):
        for name in value:
            yield from _paths(value[name], (*so_far, name))
    elif isinstance(value, list):
        for place in sorted({0, len(value) - 1}) if value else ():
            yield from _paths(value[place], (*so_far, place))


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value
