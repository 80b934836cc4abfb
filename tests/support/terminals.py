"""A terminal that a user sits at: what a program draws on it, and the keys that are pressed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

_PATIENCE = 60.0  # s
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def _own_terminal() -> None:
    """Make the terminal that of the new session."""
    fcntl.ioctl(1, termios.TIOCSCTTY, 0)


class Terminal:
    """A program on a terminal of its own, which is its controlling terminal.

    Args:
        command: The program and its arguments.
        size: Columns and lines.
        stdin: The file that it reads instead of the terminal.
        variables: Variables of its environment.
    """

    def __init__(
        self,
        command: Sequence[str],
        size: tuple[int, int] = (80, 24),
        *,
        stdin: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._user, self._side = pty.openpty()
        self.resize(*size)
        self.before = termios.tcgetattr(self._side)
        self.written = ""
        environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
        source = os.open(stdin, os.O_RDONLY) if stdin is not None else os.dup(self._side)
        self.process = subprocess.Popen(
            command,
            stdin=source,
            stdout=self._side,
            stderr=self._side,
            env={**environment, **(variables or {})},
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
        os.close(source)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.close()

    @property
    def settings(self) -> list[int | list[bytes | int]]:
        """The terminal's settings, as ``stty -a`` shows them."""
        return termios.tcgetattr(self._side)

    @property
    def screen(self) -> str:
        """The last complete drawing; without escape sequences."""
        *_, frame = ["", *self.written.split("\x1b[H")[1:]]
        return _CONTROL.sub("", frame.replace("\r", ""))

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self._side, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, keys: str) -> None:
        """Press keys one after another."""
        os.write(self._user, keys.encode())

    def until(self, seen: Callable[[str], bool], what: str) -> str:
        """Read what is written until the screen shows something; return the screen."""
        deadline = time.monotonic() + _PATIENCE
        while not seen(self.screen):
            assert time.monotonic() < deadline, f"{what} is not on the screen:\n{self.screen}"
            self._read()
        return self.screen

    def shows(self, text: str) -> str:
        """Read until the screen has a text; return the screen."""
        return self.until(lambda screen: text in screen, text)

    def end(self) -> int:
        """Read until the program ends; return its exit status."""
        deadline = time.monotonic() + _PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end:\n{self.written[-2000:]}"
            self._read()
        while self._read():
            pass
        return self.process.returncode

    def after(self) -> str:
        """What was written after the program left the alternate screen."""
        return _CONTROL.sub("", self.written.rpartition("\x1b[?1049l")[2]).replace("\r", "")

    def close(self) -> None:
        """Close the terminal, as a user does who closes the window."""
        for descriptor in (self._user, self._side):
            if descriptor >= 0:
                os.close(descriptor)
        self._user = self._side = -1

    def _read(self) -> bool:
        if not select.select([self._user], [], [], 0.1)[0]:
            return False
        self.written += os.read(self._user, 65536).decode("utf-8", "replace")
        return True
