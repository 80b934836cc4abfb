"""Counts the instructions of a process from its start to its end: what it does, and not how long that takes.

The processor's own counter is used if the kernel gives it (``perf stat``), else valgrind's callgrind, under which
countdown took 12.5 instead of 0.19 ms of CPU time on 3.11. Both count instructions of user code alone. Neither sees
memory and caches, the kernel's side of a system call, waiting, and other cores. Address space layout randomization is
switched off where that is allowed, since interpreters hash addresses.
"""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from gilbench.host.capture import capture
from gilbench.host.environment import clean_environment, find_tool
from gilbench.host.process import Process, ProcessError, signal_name
from gilbench.host.scratch import scratch

_KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "LC_CTYPE")  # a size of the environment for all shells
_TRIAL = ("-I", "-S", "-c", "pass")
_TRIAL_LIMIT = 60.0  # s
FILE = "count"  # of the tool, in the working folder; relative: a path would differ in length


class Tool(NamedTuple):
    """A program that counts."""

    by: str
    program: str
    options: tuple[str, ...]
    read: Callable[[bytes], int | None]  # from the file that it writes; None: nothing was counted
    environment: Mapping[str, str] = {}  # additional variables of the program


class Counter(NamedTuple):
    """A tool that works on this machine."""

    tool: Tool
    prefix: tuple[str, ...]  # the command before that of the counted program


class Choice(NamedTuple):
    """The best counter."""

    counter: Counter | None
    reason: str | None  # why there is none, or no better one


class Trapped(ProcessError):
    """A process that valgrind led into a breakpoint: somebody else probes the same interpreter at the moment."""


class Counting:
    """One process whose instructions are counted.

    Args:
        counter: The counter.
        argv: The program and its arguments.
        folder: Working folder of the program, in which the tool writes its file.
        env: Variables in addition to a fixed environment.

    Raises:
        ProcessError: The tool cannot be started.
    """

    def __init__(
        self, counter: Counter, argv: Sequence[str], folder: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self._tool, self._file = counter.tool, folder / FILE
        self._process = Process(
            [*counter.prefix, *argv],
            env=_environment({**counter.tool.environment, **(env or {})}),
            cwd=folder,
        )

    @property
    def pid(self) -> int:
        """Of the process, and of the programs that replace themselves by the next one."""
        return self._process.pid

    def finish(self, seconds: float) -> int:
        """Wait for the end of the process and return its instructions.

        Args:
            seconds: Timeout.

        Raises:
            Trapped: The process ended at the breakpoint of a probe.
            ProcessError: The process timed out or failed, or the tool counted nothing.
        """
        status = self._process.wait(seconds)
        if status is None:
            raise ProcessError(f"{self._tool.by} did not end within {seconds:.0f} s")
        if status == -signal.SIGTRAP:
            raise Trapped(
                "ended at the breakpoint of a probe; try again when nothing probes this interpreter"
            )
        if status < 0:
            raise ProcessError(f"ended by {signal_name(-status)} under {self._tool.by}")
        if status:
            lines = self.output().strip().splitlines()
            raise ProcessError(lines[-1] if lines else f"ended with status {status} under {self._tool.by}")
        try:
            found = self._tool.read(self._file.read_bytes())
        except OSError as error:
            raise ProcessError(f"{self._tool.by} wrote no count: {error.strerror}") from error
        if found is None:
            raise ProcessError("no instructions of user code were counted")
        return found

    def output(self) -> str:
        """Return the end of what the process and the tool wrote to stdout and stderr."""
        return self._process.output()

    def close(self) -> None:
        """Kill the process if it is running."""
        self._process.close()


def choose(tools: Sequence[Tool] | None = None) -> Choice:
    """Try tools on a small program, and return the first that counts; None: perf, then callgrind."""
    layout, reasons = _fixed_layout(), list[str]()
    for tool in tools or (PERF, CALLGRIND):
        program = find_tool(tool.program)
        if program is None:
            reasons.append(f"{tool.program}: not found in PATH")
            continue
        counter = Counter(tool, (*layout, program, *tool.options))
        try:
            with scratch() as folder:
                _count_once(counter, folder)
        except ProcessError as error:
            reasons.append(f"{tool.program}: {error}")
            continue
        reasons += [] if layout else ["setarch -R does not work, so addresses differ from run to run"]
        return Choice(counter, "; ".join(reasons) or None)
    return Choice(None, "; ".join(reasons))


def read_perf(data: bytes) -> int | None:
    """Read the output of ``perf stat -x,``: one counter that was running all the time."""
    found = re.findall(rb"^(\d+),,instructions:u,\d+,100\.00,", data, re.MULTILINE)
    return int(found[0]) if len(found) == 1 else None


def read_callgrind(data: bytes) -> int | None:
    """Read a file of callgrind: the total of its only event, which is instructions."""
    events = re.findall(rb"^events: (.+)$", data, re.MULTILINE)
    totals = re.findall(rb"^totals: (\d+)$", data, re.MULTILINE)
    return int(totals[0]) if events == [b"Ir"] and len(totals) == 1 else None


PERF = Tool("perf", "perf", ("stat", "-x,", "-e", "instructions:u", "-o", FILE, "--"), read_perf)
CALLGRIND = Tool(
    "callgrind",
    "valgrind",
    (
        "--command-line-only=yes",  # ignore the options of files and variables
        "--tool=callgrind",
        "--quiet",
        "--vgdb=no",  # no pipes in the temporary folder
        "--trace-children=yes",  # from a wrapper script to the interpreter
        f"--callgrind-out-file={FILE}",
        "--",
    ),
    read_callgrind,
)


def _count_once(counter: Counter, folder: Path) -> int:
    counting = Counting(counter, [sys.executable, *_TRIAL], folder)
    try:
        return counting.finish(_TRIAL_LIMIT)
    finally:
        counting.close()


def _fixed_layout() -> tuple[str, ...]:
    """Return the command that switches address space layout randomization off; empty if that is not allowed."""
    program = find_tool("setarch")
    if program is None:
        return ()
    command = (program, "-R")
    try:
        done = capture([*command, sys.executable, *_TRIAL], seconds=_TRIAL_LIMIT)
    except ProcessError:
        return ()
    return () if done.status else command


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    kept = {*_KEPT, *extra}
    clean = clean_environment(extra)
    return {name: value for name, value in clean.items() if name in kept or name.startswith("PYTHON")}
