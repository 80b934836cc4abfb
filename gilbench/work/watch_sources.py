"""The programs that a watch can follow: a process, a command that it starts, or whatever matches a pattern."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import psutil

from gilbench.host.process import Program
from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt
from gilbench.observe.running import RunningPython, ask, find_python
from gilbench.work.started import python_of

_AGAIN = 1.0  # s between two searches, at least
_WORK = 0.002  # of the time that searches may take


class ProgramSource(Protocol):
    """Where the processes to watch come from."""

    def next(self) -> RunningPython | None:
        """Return the process to watch next; None: there is none now.

        Raises:
            UsageError: The process cannot be watched.
        """

    def pause(self) -> float | None:
        """Return the s until ``next`` should be called again; None: there will be no other process."""

    def instead_of(self, pid: int) -> RunningPython | None:
        """Return the process to watch instead of one that only waits; None: there is none."""


class OneProcess:
    """A process that runs."""

    def __init__(self, pid: int) -> None:
        self._pid: int | None = pid

    def next(self) -> RunningPython | None:
        """See ``ProgramSource``."""
        pid, self._pid = self._pid, None
        return None if pid is None else find_python(pid)

    def pause(self) -> float | None:
        """See ``ProgramSource``."""
        return None

    def instead_of(self, pid: int) -> RunningPython | None:
        """See ``ProgramSource``."""
        del pid
        return None


class StartedProgram:
    """A program of ours: the first Python that it runs."""

    def __init__(self, program: Program) -> None:
        self._program: Program | None = program

    def next(self) -> RunningPython | None:
        """See ``ProgramSource``."""
        program, self._program = self._program, None
        if program is None:
            return None
        found = python_of(program)
        if found is None and program.poll() is None:
            raise UsageError(f"{program.argv[0]} started no CPython; pass the python command, or --pid")
        return found

    def pause(self) -> float | None:
        """See ``ProgramSource``."""
        return None

    def instead_of(self, pid: int) -> RunningPython | None:
        """See ``ProgramSource``."""
        del pid
        return None


class Matching:
    """The oldest Python whose command line matches a pattern, again and again.

    A server that forks its workers only waits, and they have its command line: the oldest worker comes first.

    Args:
        pattern: A regular expression, searched in the words joined by spaces.
    """

    def __init__(self, pattern: str) -> None:
        try:
            self._pattern = re.compile(pattern)
        except re.error as error:
            raise UsageError(
                f"--match: {excerpt(pattern, 60)!r} is not a regular expression: {error}"
            ) from error
        self._not_before = 0.0  # s of the monotonic clock until which searches have used what they may

    def next(self) -> RunningPython | None:
        """See ``ProgramSource``."""
        begun = time.process_time()
        ask.cache_clear()  # the interpreter may have been updated
        found = next(self._pythons(), None)
        self._not_before = time.monotonic() + (time.process_time() - begun) / _WORK
        return found

    def pause(self) -> float | None:
        """See ``ProgramSource``."""
        return max(_AGAIN, self._not_before - time.monotonic())

    def instead_of(self, pid: int) -> RunningPython | None:
        """See ``ProgramSource``."""
        found = self.next()
        return found if found is not None and found.pid != pid else None

    def _pythons(self) -> Iterator[RunningPython]:
        own = _family()
        pids = [pid for pid in self._candidates() if pid not in own]
        parents = {_parent(pid) for pid in pids}
        for *_, pid in sorted((pid in parents, _started(pid), pid) for pid in pids):
            with contextlib.suppress(UsageError, OSError):  # it is another program, or has ended
                yield find_python(pid)

    def _candidates(self) -> Iterator[int]:
        for name in os.listdir("/proc"):  # noqa: PTH208 - half as dear
            if name.isdecimal():
                with contextlib.suppress(OSError):
                    line = Path(f"/proc/{name}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ")
                    if line and self._pattern.search(line.decode("utf-8", "replace")):
                        yield int(name)


def _family() -> set[int]:
    """Return gilbench and the processes that started it, whose command lines have the pattern, too."""
    own = psutil.Process()
    with contextlib.suppress(psutil.Error):
        return {own.pid, *(one.pid for one in own.parents())}
    return {own.pid}


def _started(pid: int) -> float:
    with contextlib.suppress(psutil.Error):
        return float(psutil.Process(pid).create_time())
    return float("inf")


def _parent(pid: int) -> int | None:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).ppid()
    return None
