"""What happens when an alert fires: a command runs, a line is written, and another process takes a profile."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from gilbench.host.environment import find_tool
from gilbench.host.files import refuse_unwritable
from gilbench.host.process import Process, ProcessError
from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt

_LIMIT = 60.0  # s for a command, and beyond its duration, for a profile
_PROFILE = 10.0  # s of a profile
_RARELY = 600.0  # s between two profiles, at least
_KEPT = 20  # profiles
_NAME, _END = "watch-", ".json"
_OURS = f"{_NAME}????????T??????Z{_END}"  # other files stay
_AT_ONCE = 4  # commands


class Alarms:
    """Carries out what the options ask for. Processes are started by the main thread, since they end with it.

    Args:
        command: Program and arguments; it gets the alert as JSON on stdin. None: no command.
        annotate: File to which the alert is appended as one line of JSON.
        profiles: Folder for profiles; it is created.
        failed: Receives a sentence if something did not work.
        profiled: Receives the file of a profile.
    """

    def __init__(
        self,
        command: str | None,
        annotate: Path | None,
        profiles: Path | None,
        failed: Callable[[str], None],
        profiled: Callable[[Path], object],
    ) -> None:
        self._words = _words(command)
        self._annotate, self._profiles = annotate, profiles
        self._failed, self._profiled = failed, profiled
        self._commands: list[tuple[Process, float]] = []  # with the moments by which they must have ended
        self._profile: tuple[Process, float, Path] | None = None
        self.cpu = 0.0  # s that all of these processes used
        if annotate is not None:
            refuse_unwritable(annotate)
        if profiles is not None:
            try:
                profiles.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UsageError(
                    f"cannot create {profiles}: {error.strerror}; choose another folder"
                ) from error
            refuse_unwritable(profiles / f"{_NAME}try{_END}")

    @property
    def busy(self) -> bool:
        """Whether a process runs."""
        return bool(self._commands or self._profile)

    def raise_for(self, alert: dict[str, Any], pid: int | None) -> None:
        """Carry out what belongs to an alert that fired or cleared.

        Args:
            alert: What the command and the file get.
            pid: The process to profile; None: none.
        """
        text = msgspec.json.encode(alert)
        if self._annotate is not None:
            try:
                with self._annotate.open("ab") as file:
                    file.write(text + b"\n")
            except OSError as error:
                self._failed(f"cannot write {self._annotate}: {error.strerror}")
        if self._words:
            self._run(text)
        if pid is not None and self._profiles is not None and self._profile is None:
            self._take_profile(self._profiles, pid)

    def tick(self) -> None:
        """Look after the processes; call this once a second while they run."""
        now = time.monotonic()
        for one in list(self._commands):
            process, limit = one
            if process.poll() is not None or now > limit:
                self._commands.remove(one)
                late = process.poll() is None
                status = self._end(process)
                if late or status:
                    reason = f"timed out after {_LIMIT:g} s" if late else f"exit status {status}"
                    self._failed(f"--on-alert: {self._words[0]}: {reason}")
        if self._profile is not None:
            process, limit, path = self._profile
            if process.poll() is not None or now > limit:
                self._profile = None
                output = process.output().strip()
                status = self._end(process)
                if status == 0 and path.exists():
                    self._profiled(path)
                else:
                    self._failed(f"no profile: {(output.splitlines() or ['it timed out'])[-1]}")

    def close(self) -> None:
        """End all processes."""
        for process, _ in self._commands:
            self._end(process)
        self._commands.clear()
        if self._profile is not None:
            process, _, _ = self._profile
            process.signal(signal.SIGINT)  # it removes its probes, and saves what it saw
            process.wait(_LIMIT / 6)
            self._end(process)
            self._profile = None

    def _end(self, process: Process) -> int:
        status = process.end()
        self.cpu += process.cpu_seconds() or 0.0
        process.close()
        return status

    def _run(self, text: bytes) -> None:
        if len(self._commands) >= _AT_ONCE:
            self._failed(f"--on-alert: {_AT_ONCE} commands are running; this alert starts none")
            return
        try:
            with tempfile.TemporaryFile() as given:
                given.write(text)
                given.seek(0)
                process = Process(self._words, env=dict(os.environ), given=given.fileno(), discard=True)
        except (ProcessError, OSError) as error:
            self._failed(f"--on-alert: {error}")
        else:
            self._commands.append((process, time.monotonic() + _LIMIT))

    def _take_profile(self, folder: Path, pid: int) -> None:
        try:
            kept = sorted(folder.glob(_OURS))
            if kept and 0 <= time.time() - kept[-1].stat().st_mtime < _RARELY:
                return
            for path in kept[: max(len(kept) - _KEPT + 1, 0)]:
                path.unlink()
            path = folder / f"{_NAME}{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}{_END}"
            words = ("profile", "--pid", str(pid), "-d", f"{_PROFILE:g}", "--format", "json", "-o", str(path))
            process = Process([sys.executable, "-P", "-m", "gilbench", *words])
        except (ProcessError, OSError) as error:
            self._failed(f"no profile: {error}")
        else:
            self._profile = process, time.monotonic() + _PROFILE + _LIMIT, path


def _words(command: str | None) -> Sequence[str]:
    if command is None:
        return ()
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--on-alert: {excerpt(command, 60)!r}: {error}; close the quotation") from error
    if not words:
        raise UsageError("--on-alert: the command is empty; give a program and its arguments")
    program = find_tool(words[0]) if os.sep not in words[0] else words[0]
    if program is None or not Path(program).is_file() or not os.access(program, os.X_OK):
        raise UsageError(f"--on-alert: command not found: {shlex.quote(words[0])}")
    return words
