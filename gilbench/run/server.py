"""A server of the user that runs while another command is timed."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from gilbench.host.process import cpu_time
from gilbench.host.topology import allowed_cpus
from gilbench.model.errors import RunFailure
from gilbench.model.excerpt import excerpt
from gilbench.observe.cpu import peak_memory
from gilbench.observe.running import descendants
from gilbench.run.starter import Start, Starter, problem_of

_PAUSE = 0.01  # s between two looks whether it is ready
_ENDING = 5.0  # s between SIGTERM and SIGKILL
_FOREVER = 1e6  # s
_HOSTS = ("127.0.0.1", "::1")
_OUTPUT = 1 << 20  # bytes of its output that are searched for a line
_HIGHEST_PORT = 65535


class Server:
    """A server, started and ready. Leaving the context ends it and all its descendants.

    Args:
        start: The server; its limit is that of getting ready.
        ready: When it is ready: ``port NUMBER``, ``line REGEX`` of its output, or ``file PATH``.

    Raises:
        RunFailure: It cannot be started, or does not get ready.
    """

    def __init__(self, start: Start, ready: str) -> None:
        kind, _, what = ready.partition(" ")
        is_ready = self._condition(kind, what.strip(), Path(start.folder))
        self._starter = Starter()
        try:
            self.pid = self._starter.begin(start._replace(limit=_FOREVER), allowed_cpus())
            self._wait(is_ready, start.limit, ready)
        except BaseException:
            self._starter.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def cpu(self) -> float:
        """Return the CPU time in s that its processes have used so far."""
        return sum(cpu_time(pid) or 0.0 for pid in self._processes())

    def memory(self) -> int | None:
        """Return the peak memory in bytes of its largest process."""
        return max(filter(None, map(peak_memory, self._processes())), default=None)

    def refuse_ended(self, when: str = "during the load") -> None:
        """Check that it runs.

        Raises:
            RunFailure: It has ended.
        """
        ended = self._starter.ended(0.0)
        if ended is not None:
            problem = problem_of(ended.status, self._starter.output(), "the server")
            raise RunFailure(problem.kind, f"{problem.message} ({when})")

    def _wait(self, is_ready: Callable[[], bool], limit: float, ready: str) -> None:
        deadline = time.monotonic() + limit
        while not is_ready():
            self.refuse_ended("before it was ready")
            if time.monotonic() > deadline:
                raise RunFailure("timeout", f"the server was not ready within {limit:g} s: {ready}")
            time.sleep(_PAUSE)

    def _processes(self) -> list[int]:
        return [self.pid, *descendants(self.pid)]

    def _end(self) -> None:
        with contextlib.suppress(RunFailure):
            if self._starter.ended(0.0) is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGTERM)
                self._starter.ended(_ENDING)
        self._starter.close()

    def _condition(self, kind: str, what: str, folder: Path) -> Callable[[], bool]:
        if kind == "port":
            if not (what.isdecimal() and 0 < int(what[:6]) <= _HIGHEST_PORT):
                raise RunFailure("start", f"--ready: {excerpt(what, 20)!r} is not a port number")
            if _listens(int(what)):
                raise RunFailure(
                    "start", f"port {what} is in use by another process; choose another one, or {{port}}"
                )
            return lambda: _listens(int(what))
        if kind == "file":
            before = _stamp(folder / what)
            return lambda: _stamp(folder / what) not in {None, before}
        try:
            pattern = re.compile(what, re.MULTILINE)
        except re.error as error:
            raise RunFailure(
                "start", f"--ready: {excerpt(what, 40)!r} is not a regular expression: {error}"
            ) from error
        return lambda: pattern.search(self._starter.output(_OUTPUT)) is not None


def free_port() -> int:
    """Return a TCP port that no process uses now."""
    with socket.socket() as probe:
        probe.bind((_HOSTS[0], 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    for host in _HOSTS:
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1.0):
            return True
    return False


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes if a file is written again; None: there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
