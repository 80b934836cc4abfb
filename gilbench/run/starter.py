"""The process that starts the user's commands, seen from gilbench: one for the whole session."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from gilbench.host.environment import find_tool
from gilbench.host.process import TAIL, signal_name
from gilbench.host.scratch import scratch
from gilbench.model.errors import RunFailure
from gilbench.model.study import Amount, Count, Processor, Seconds, Struct
from gilbench.run.endpoint import Endpoint

THE_COMMAND = "the command"  # that is measured, in messages
_MARGIN = 10.0  # s in addition to the limit of a command


class Start(NamedTuple):
    """A command to start."""

    words: Sequence[str]  # the program and its arguments
    environment: Mapping[str, str]  # in addition to that of gilbench
    folder: str  # where it runs
    limit: float  # s, after which it is ended
    stdin: str | None = None  # file; None: its stdin is empty


class CommandEnd(Struct, frozen=True):
    """A command that has ended; see ``starter_main``."""

    start: Amount
    end: Amount
    status: int
    timed_out: bool
    user: Seconds
    system: Seconds
    memory: Count | None
    left: Count
    cpus: tuple[Processor, ...]


class Starter:
    """Starts commands one after another. Its process is started when it is needed, and replaced if it fails."""

    def __init__(self) -> None:
        self._endpoint: Endpoint | None = None
        self._scratch = scratch()
        self._folder: Path | None = None

    def run(self, start: Start, cpus: Sequence[int]) -> CommandEnd:
        """Run a command to its end.

        Args:
            start: The command.
            cpus: CPUs that it may use.

        Raises:
            RunFailure: It cannot be started.
        """
        return msgspec.convert(self._ask("run", start, cpus), CommandEnd)

    def weigh(self, start: Start, cpus: Sequence[int]) -> int | None:
        """Run a command for its peak memory in bytes, which may be less than that of the process that starts it.

        Raises:
            RunFailure: It cannot be started.
        """
        return msgspec.convert(self._ask("weigh", start, cpus)["memory"], Count | None)

    def begin(self, start: Start, cpus: Sequence[int]) -> int:
        """Start a command whose output is kept, and return its PID; ``ended`` waits for its end.

        Raises:
            RunFailure: It cannot be started.
        """
        with self._failing() as endpoint:
            endpoint.send(self._request("run", start, cpus, kept=True))
            message = endpoint.receive(_MARGIN)
        if "pid" not in message:
            raise _refused(start, message.get("ok", {}))
        return int(message["pid"]["pid"])

    def ended(self, seconds: float) -> CommandEnd | None:
        """Wait at most so many seconds for the end of the command that was begun; None: it runs."""
        with self._failing() as endpoint:
            if not endpoint.has_answer(seconds):
                return None
            return msgspec.convert(endpoint.expect("ok", _MARGIN), CommandEnd)

    def output(self, most: int = TAIL) -> str:
        """Return the end of the output of the last command, at most so many bytes: stderr, and stdout if it is kept."""
        try:
            with self._errors().open("rb") as written:
                written.seek(max(0, written.seek(0, os.SEEK_END) - most))
                return written.read().decode("utf-8", "replace")
        except OSError:  # none was started
            return ""

    def close(self) -> None:
        """End the command that runs, if any, and the process."""
        self._end()
        if self._folder is not None:
            self._scratch.__exit__(None, None, None)
            self._folder = None

    def _errors(self) -> Path:
        if self._folder is None:
            self._folder = self._scratch.__enter__()
        return self._folder / "stderr"

    def _ask(self, task: str, start: Start, cpus: Sequence[int]) -> dict[str, Any]:
        with self._failing() as endpoint:
            answer = endpoint.ask(self._request(task, start, cpus), start.limit + _MARGIN)
        if "refused" in answer:
            raise _refused(start, answer)
        return answer

    def _request(self, task: str, start: Start, cpus: Sequence[int], *, kept: bool = False) -> dict[str, Any]:
        return {
            "do": task,
            "program": find_program(start.words[0]),
            "arguments": list(start.words),
            "environment": dict(start.environment),
            "folder": start.folder,
            "input": start.stdin or os.devnull,
            "errors": str(self._errors()),
            "kept": kept,
            "cpus": list(cpus),
            "limit": start.limit,
        }

    @contextlib.contextmanager
    def _failing(self) -> Iterator[Endpoint]:
        """Start the process if it is needed, and end it if it fails."""
        if self._endpoint is None:
            script = str(Path(__file__).with_name("starter_main.py"))
            self._endpoint = Endpoint([sys.executable, "-I", "-S", script], dict(os.environ), adopts=True)
        try:
            yield self._endpoint
        except RunFailure:
            self._end()
            raise

    def _end(self) -> None:
        if self._endpoint is not None:
            self._endpoint.process.end()
            self._endpoint.close()
            self._endpoint = None


def _refused(start: Start, answer: Mapping[str, Any]) -> RunFailure:
    return RunFailure("start", f"cannot start {start.words[0]}: {answer.get('refused')}")


def find_program(name: str) -> str:
    """Find a program in the folders of PATH; a name with a folder is a file.

    Raises:
        RunFailure: It is not there.
    """
    found = name if os.sep in name else find_tool(name)
    if found is None:
        raise RunFailure("start", f"command not found: {shlex.quote(name)}")
    return found


def problem_of(
    status: int, output: str, what: str = THE_COMMAND, *, timed_out: bool = False, limit: float = 0.0
) -> RunFailure:
    """Describe a command that failed.

    Args:
        status: Its exit status; negative: the signal that ended it.
        output: The end of its output, whose last line is the reason.
        what: Name of the command in the message.
        timed_out: Whether it was ended because of its limit.
        limit: The limit in s.
    """
    if timed_out:
        return RunFailure("timeout", f"{what} took longer than {limit:g} s; for more time: --timeout")
    kind = "exit" if what == THE_COMMAND else "setup"
    ended = f"exited with status {status}" if status >= 0 else f"was ended by {signal_name(-status)}"
    lines = output.strip().splitlines()
    return RunFailure(kind, f"{what} {ended}{f': {lines[-1].strip()}' if lines else ''}")
