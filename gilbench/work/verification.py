"""``gilbench profile --verify``: runs the same command, unprofiled, on a free-threaded interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gilbench.interpreters import select
from gilbench.model.errors import UsageError
from gilbench.model.profile import Verified
from gilbench.model.study import Interpreter
from gilbench.run.verify import on_interpreter, verify
from gilbench.work.listener import Listener


class Verification(NamedTuple):
    """A planned verification. It is planned before profiling, so that errors are reported immediately."""

    command: tuple[str, ...]
    threaded: Interpreter

    def run(self, listener: Listener) -> Verified:
        """Run the command on both interpreters."""
        return verify(self.command, self.threaded, tell=listener.progress)


def plan_verification(command: Sequence[str], spec: str, *, refresh: bool = False) -> Verification:
    """Find the interpreter, and check that it can run the command.

    Args:
        command: The profiled command; empty for a running process.
        spec: SPEC of an interpreter, as in ``--python``.
        refresh: Ask every interpreter again, ignoring the cache.

    Raises:
        UsageError: The command is empty, cannot run on another interpreter, or the interpreter is not free-threaded.
        InterpreterError: No interpreter matches.
    """
    if not command:
        raise UsageError(
            "--verify needs the command, to run it again; pass gilbench profile --verify 3.13t -- COMMAND"
        )
    threaded = select([spec], refresh=refresh).interpreters[0]
    if not threaded.build.free_threaded:
        raise UsageError(
            f"--verify needs a free-threaded interpreter, but {threaded.name} has a GIL; use for example 3.13t"
        )
    on_interpreter(command, threaded)
    return Verification(tuple(command), threaded)
