"""Runs a command as it is and on a free-threaded interpreter, in turn and unprofiled, and takes the wall times.

What the free-threaded build costs the same program is measured beside it, by a third run in each round: on
that build with its GIL switched on, where nothing runs at once that did not before.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from gilbench.errors import UsageError
from gilbench.interpreters.find import is_interpreter_name
from gilbench.model import Interpreter
from gilbench.process import Process

ROUNDS = 5
_PATIENCE = 10.0  # how many times as long as the first run another may take
_LEAST_PATIENCE = 30.0  # s
_FIRST_LIMIT = 3600.0  # s
_RE_ENABLED = "The global interpreter lock (GIL) has been enabled"  # CPython's warning about an extension


class Verified(NamedTuple):
    """Wall times in s, one of each kind for each round that all three ended."""

    original: tuple[float, ...]
    threaded: tuple[float, ...]
    gil_on: tuple[float, ...]  # on the free-threaded build with its GIL switched on
    complaints: tuple[str, ...]  # why there are fewer rounds, or why they say less than they seem to


class _Variant(NamedTuple):
    where: str  # it is run, in a sentence
    argv: tuple[str, ...]
    extra: dict[str, str]  # of the environment


class _Ended(NamedTuple):
    seconds: float
    status: int
    said: str  # end of what it wrote to stderr


class _Differs(Exception):
    """The program does not do on one interpreter what it does on the other."""


def verify(
    command: Sequence[str],
    threaded: Interpreter,
    *,
    rounds: int = ROUNDS,
    tell: Callable[[str], None] = lambda _text: None,
) -> Verified:
    """Time a command on its own interpreter and on a free-threaded one.

    The first round is thrown away: it fills caches, and shows whether the program works at all there. What the
    program writes goes nowhere, and it reads nothing.

    Args:
        command: As the user wrote it; its first word is an interpreter, or a script that names one.
        threaded: What it is run on instead.
        rounds: How many are counted.
        tell: Called with what is being done.

    Raises:
        UsageError: The command cannot be run on another interpreter.
    """
    elsewhere = on_interpreter(command, threaded.executable)
    variants = {
        "original": _Variant("run again as it is", (_program(command[0]), *command[1:]), {}),
        "threaded": _Variant(f"on {threaded.name}", elsewhere, {}),
        "gil_on": _Variant(f"on {threaded.name} with its GIL switched on", elsewhere, {"PYTHON_GIL": "1"}),
    }
    taken: list[dict[str, _Ended]] = []
    complaints: list[str] = []
    try:
        tell("verifying: first runs")
        first = _run(variants["original"], None)
        for number in range(rounds + 1):
            order = random.sample(list(variants), len(variants))
            taken.append({name: _run(variants[name], first) for name in order})
            tell(f"verifying: round {number} of {rounds}")
        if first.status:
            complaints.append(f"all runs ended with status {first.status}")
    except _Differs as difference:
        complaints.append(str(difference))
    if any(_RE_ENABLED in one["threaded"].said for one in taken):
        complaints.append(f"an extension module of the program switched the GIL of {threaded.name} on")
    return Verified(
        **{name: tuple(one[name].seconds for one in taken[1:]) for name in variants},
        complaints=tuple(complaints),
    )


def on_interpreter(command: Sequence[str], executable: str) -> tuple[str, ...]:
    """Write a command so that another interpreter runs it.

    Raises:
        UsageError: Its program is not found, or is neither an interpreter nor a script.
    """
    program, *rest = command
    if is_interpreter_name(Path(program).name):
        return (executable, *rest)
    found = _program(program)
    with Path(found).open("rb") as file:
        if file.read(2) != b"#!":
            raise UsageError(
                f"--verify cannot run {program} on another interpreter; write the command as: python SCRIPT ..."
            )
    return (executable, found, *rest)


def _program(name: str) -> str:
    """The user's own program, found as a shell finds it."""
    found = shutil.which(name)
    if found is None:
        raise UsageError(f"{name} was not found")
    return os.path.abspath(found)  # noqa: PTH100 - a link is kept as it is


def _run(variant: _Variant, first: _Ended | None) -> _Ended:
    """Run it once; the first run of all says how it ought to end, and how long it may take."""
    limit = _FIRST_LIMIT if first is None else max(_LEAST_PATIENCE, _PATIENCE * first.seconds)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    begun = time.monotonic()
    process = Process(variant.argv, env={**environment, **variant.extra}, discard=True)
    try:
        status = process.wait(limit)
        ended = _Ended(time.monotonic() - begun, status or 0, process.output())
    finally:
        process.close()
    if status is None:
        raise _Differs(f"{variant.where} it did not end within {limit:.3g} s")
    if first is not None and status != first.status:
        lines = [line.strip() for line in ended.said.splitlines() if line.strip()]
        said = f", its last line: {lines[-1]}" if lines else ""
        raise _Differs(f"{variant.where} it ended with status {status} instead of {first.status}{said}")
    return ended
