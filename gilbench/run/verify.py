"""Times a command, unprofiled, on its own interpreter and on a free-threaded interpreter, in interleaved rounds.

A third run in each round measures the cost of the free-threaded build: the same command on that build with its GIL
enabled, where threads gain no parallelism.
"""

from __future__ import annotations

import os
import random
import shlex
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gilbench.host.process import Process
from gilbench.interpreters.find import is_interpreter_name
from gilbench.model.errors import UsageError
from gilbench.model.profile import Verified
from gilbench.model.study import Interpreter

ROUNDS = 5
_TIMEOUT_FACTOR = 10.0  # timeout of a run, relative to the first run
_LEAST_TIMEOUT = 30.0  # s
_FIRST_TIMEOUT = 3600.0  # s
_RE_ENABLED = "The global interpreter lock (GIL) has been enabled"  # CPython's warning about an extension


class _Variant(NamedTuple):
    where: str  # in a sentence
    argv: tuple[str, ...]
    extra: dict[str, str]  # additional environment variables


class _Ended(NamedTuple):
    seconds: float
    cpu: float  # s
    status: int
    errors: str  # end of its stderr


class _Differs(Exception):
    """A run that ended differently from the first one."""


def verify(
    command: Sequence[str],
    threaded: Interpreter,
    *,
    rounds: int = ROUNDS,
    tell: Callable[[str], None] = lambda _text: None,
) -> Verified:
    """Time a command on its own interpreter and on a free-threaded one.

    The first round is discarded: it fills caches, and shows whether the program works on the free-threaded build. The
    output of the program is discarded, and its stdin is empty.

    Args:
        command: The user's command; its first word is an interpreter, or a script with a ``#!`` line.
        threaded: The free-threaded interpreter.
        rounds: Number of counted rounds.
        tell: Called with the current step, in a few words.

    Raises:
        UsageError: The command cannot be run on another interpreter.
    """
    elsewhere = on_interpreter(command, threaded)
    variants = {
        "original": _Variant("on its own interpreter", (_program(command[0]), *command[1:]), {}),
        "threaded": _Variant(f"on {threaded.name}", elsewhere, {}),
        "gil_on": _Variant(f"on {threaded.name} with the GIL enabled", elsewhere, {"PYTHON_GIL": "1"}),
    }
    taken: list[dict[str, _Ended]] = []
    complaints: list[str] = []
    forced = False
    try:
        tell("verifying: first runs")
        first = _run(variants["original"], None)
        for number in range(rounds + 1):
            order = random.sample(list(variants), len(variants))
            taken.append({name: _run(variants[name], first) for name in order})
            tell(f"verifying: round {number} of {rounds}")
            if number == 0 and _RE_ENABLED in taken[0]["threaded"].errors:
                forced = True
                complaints.append(_enabled(threaded.name))
                variants["threaded"] = _Variant(_forced_off(threaded.name), elsewhere, {"PYTHON_GIL": "0"})
        if first.status:
            complaints.append(f"all runs had exit status {first.status}")
    except _Differs as difference:
        complaints.append(str(difference))
    return _verified(taken[1:], complaints, forced=forced)


def _verified(rounds: Sequence[Mapping[str, _Ended]], complaints: Sequence[str], *, forced: bool) -> Verified:
    return Verified(
        original=tuple(one["original"].seconds for one in rounds),
        threaded=tuple(one["threaded"].seconds for one in rounds),
        gil_on=tuple(one["gil_on"].seconds for one in rounds),
        complaints=tuple(complaints),
        threaded_cpu=tuple(one["threaded"].cpu for one in rounds),
        gil_on_cpu=tuple(one["gil_on"].cpu for one in rounds),
        forced=forced,
    )


def _forced_off(name: str) -> str:
    return f"on {name} with the GIL forced off"


def _enabled(name: str) -> str:
    return (
        f"an extension module of the program enables the GIL of {name}; "
        "for the measured speedup, it was forced off (PYTHON_GIL=0)"
    )


def on_interpreter(command: Sequence[str], interpreter: Interpreter) -> tuple[str, ...]:
    """Return a command that runs the same program on another interpreter.

    Raises:
        UsageError: The program is not found, or is neither an interpreter nor a script.
    """
    program, *rest = command
    if is_interpreter_name(Path(program).name):
        return (*interpreter.command, *rest)
    found = _program(program)
    with Path(found).open("rb") as file:
        if file.read(2) != b"#!":
            raise UsageError(
                f"--verify cannot run {program} on another interpreter; pass the command as: python SCRIPT ..."
            )
    return (*interpreter.command, found, *rest)


def _program(name: str) -> str:
    """Find the user's program, as a shell does."""
    found = shutil.which(name)
    if found is None:
        raise UsageError(
            f"command not found: {shlex.quote(name)}\nPass the command that you use without gilbench."
        )
    return os.path.abspath(found)  # noqa: PTH100 - a link is kept as it is


def _run(variant: _Variant, first: _Ended | None) -> _Ended:
    """Run a variant once. The first run of all sets the expected exit status and the timeout."""
    limit = _FIRST_TIMEOUT if first is None else max(_LEAST_TIMEOUT, _TIMEOUT_FACTOR * first.seconds)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    begun = time.monotonic()
    process = Process(variant.argv, env={**environment, **variant.extra}, discard=True)
    try:
        status = process.wait(limit)
        used = process.rusage
        cpu = used.ru_utime + used.ru_stime if used is not None else 0.0
        ended = _Ended(time.monotonic() - begun, cpu, status or 0, process.output())
    finally:
        process.close()
    if status is None:
        raise _Differs(f"{variant.where}, the program timed out after {limit:.3g} s")
    if first is not None and status != first.status:
        lines = [line.strip() for line in ended.errors.splitlines() if line.strip()]
        last = f"; its last line: {lines[-1]}" if lines else ""
        raise _Differs(f"{variant.where}, the exit status was {status} instead of {first.status}{last}")
    return ended
