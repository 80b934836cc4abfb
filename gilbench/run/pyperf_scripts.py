"""Asks an interpreter for the benchmarks of a script that is written for pyperf, by running the script."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec

from gilbench.host.capture import capture
from gilbench.host.environment import clean_environment
from gilbench.host.process import ProcessError
from gilbench.model.errors import RunFailure
from gilbench.model.excerpt import excerpt
from gilbench.model.study import Interpreter
from gilbench.plan.pyperf_scripts import PyperfScript

_SCRIPT = Path(__file__).parent.parent / "target" / "pyperf_list.py"
_MARK = "gilbench-benchmarks:"  # as in pyperf_list.py, which cannot be imported here
_SECONDS = 120.0  # timeout of a script, which may prepare data
_LONGEST = 300  # characters of a reason


class RegisteredBenchmark(NamedTuple):
    """A benchmark that a script has registered."""

    name: str
    refused: str | None  # why it cannot be measured


class _ListAnswer(msgspec.Struct, frozen=True):
    """The answer of pyperf_list.py."""

    benchmarks: list[tuple[str, str | None]] = []
    error: str | None = None


def list_benchmarks(script: PyperfScript, interpreter: Interpreter) -> list[RegisteredBenchmark]:
    """Run a script without measuring, and return its benchmarks.

    Raises:
        RunFailure: The script failed, or did not end.
    """
    command = [*interpreter.command, str(_SCRIPT), str(script.path), *script.arguments]
    try:
        done = capture(command, seconds=_SECONDS, env=clean_environment(dict(interpreter.environment)))
    except ProcessError as error:
        raise RunFailure("timeout", str(error)) from error
    line = next((one for one in reversed(done.stdout.splitlines()) if one.startswith(_MARK)), None)
    if line is None:
        raise RunFailure("exit", excerpt(done.reason, _LONGEST))
    try:
        answer = msgspec.json.decode(line.removeprefix(_MARK), type=_ListAnswer)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RunFailure("protocol", f"answered with invalid JSON: {error}") from error
    if answer.error is not None:
        usage = f" ({done.reason})" if "exited" in answer.error and done.stderr.strip() else ""
        raise RunFailure("workload", excerpt(f"{answer.error}{usage}", _LONGEST))
    return [RegisteredBenchmark(*one) for one in answer.benchmarks]
