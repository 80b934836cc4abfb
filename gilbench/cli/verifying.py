"""``gilbench profile --verify``: the same command on a free-threaded interpreter, unprofiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console

from gilbench.errors import UsageError
from gilbench.interpreters import select
from gilbench.model import Interpreter
from gilbench.render.figures import plain
from gilbench.run.verify import Verified, on_interpreter, verify


class Verification(NamedTuple):
    """What will be verified; made before the program is profiled, so that bad use is said at once."""

    command: tuple[str, ...]
    threaded: Interpreter

    def run(self, notes: Console) -> Verified:
        """Run both, telling which round it is."""
        with notes.status("verifying") as status:
            return verify(self.command, self.threaded, tell=lambda text: status.update(plain(text)))


def plan_verification(command: Sequence[str], spec: str) -> Verification:
    """Find the interpreter, and see that the command can be run on it.

    Args:
        command: What is profiled; empty where it is a process that runs already.
        spec: Of an interpreter, as in ``--python``.

    Raises:
        UsageError: There is no command, it cannot be run on another interpreter, or that one has a GIL.
        InterpreterError: No interpreter fits.
    """
    if not command:
        raise UsageError(
            "--verify runs the program again, so it needs the command: gilbench profile -- COMMAND"
        )
    threaded = select([spec]).interpreters[0]
    if not threaded.build.free_threaded:
        raise UsageError(
            f"--verify needs a free-threaded interpreter, and {threaded.name} has a GIL; e.g. --verify 3.13t"
        )
    on_interpreter(command, threaded.executable)
    return Verification(tuple(command), threaded)
