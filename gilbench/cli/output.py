"""The one way out: everything that gilbench prints, to stdout or stderr, leaves through here.

    write(text)          a whole text: JSON, Markdown, a sentence
    console().print(..)  tables and sentences, drawn by rich
    notes().print(..)    what is said beside them, on stderr
    complain(text)       an error
    stdout()             for what is written row by row

Nothing in it can be a command to the runner of a CI (``render.guard``), and nothing but rich itself sends control
characters to a terminal. What cannot be written to stdout is an error in one line; what cannot be written to
stderr is lost, for there is nowhere to say so.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO, cast

from gilbench.errors import GilbenchError
from gilbench.render.guard import printable, printable_lines, without_commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

_TAIL = 80  # characters of an unfinished line in which a command may have begun


class OutputError(GilbenchError):
    """Stdout takes no more."""


class _Lost(OSError):
    """Python has no such stream: it was closed before we began."""


class Stream(io.TextIOBase):
    """A stream on which no command to a CI's runner gets through, and which says in a line why it fails.

    Args:
        inner: What it writes to; None: it was closed before we began.
        name: How it is called in an error; None: what cannot be written is dropped.
    """

    def __init__(self, inner: TextIO | None, name: str | None) -> None:
        self._inner, self._name = inner, name
        self._tail = ""
        if isinstance(inner, io.TextIOWrapper):
            inner.reconfigure(errors="replace")  # a log that is no UTF-8, a file name that is none

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Of what takes it."""
        return getattr(self._inner, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write a text of which each part may be from outside."""
        whole = without_commands(self._tail + text)
        # What began in the line that is written already is broken where the two meet.
        rest = whole[len(self._tail) :] if whole.startswith(self._tail) else f" {without_commands(text)}"
        self._tail = (self._tail + rest).rpartition("\n")[2][-_TAIL:]
        self.write_commands(rest)
        return len(text)

    def write_commands(self, text: str) -> None:
        """Write a text as it is: one that is meant for a CI's runner, or has been looked at."""
        with self._failing():
            if self._inner is None:
                raise _Lost
            self._inner.write(text)

    def flush(self) -> None:
        """Write what waits."""
        if self._inner is not None:
            with self._failing():
                self._inner.flush()

    def isatty(self) -> bool:
        """Whether a terminal takes it."""
        return self._inner is not None and self._inner.isatty()

    def fileno(self) -> int:
        """Of what takes it."""
        return io.TextIOBase.fileno(self) if self._inner is None else self._inner.fileno()

    def abandon(self) -> None:
        """Let what still waits, and what may come, go nowhere: its reader has gone, or its disk is full."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: it is closed
            self.abandon()
            if self._name is None:
                return
            if isinstance(error, BrokenPipeError):
                raise
            reason = getattr(error, "strerror", None) or "it is closed"
            raise OutputError(f"cannot write to {self._name}: {reason}") from error


@contextlib.contextmanager
def streams() -> Iterator[None]:
    """Let all that is printed, by whatever library, leave through here."""
    _hold_closed_descriptors()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = stdout(), stderr()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _hold_closed_descriptors() -> None:
    """Keep the numbers of streams that were closed before we began: the next file would get them, and our output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(
                os.devnull, os.O_RDONLY
            )  # the lowest that is free; what is written to it fails, as it should


def stdout() -> Stream:
    """Where answers go."""
    return sys.stdout if isinstance(sys.stdout, Stream) else Stream(sys.stdout, "stdout")


def stderr() -> Stream:
    """Where everything else goes."""
    return sys.stderr if isinstance(sys.stderr, Stream) else Stream(sys.stderr, None)


def write(text: str) -> None:
    """Write a text of our own lines to stdout, and see that it has arrived."""
    out = stdout()
    out.write(printable_lines(text))
    out.flush()


def write_commands(text: str) -> None:
    """Write lines that are commands to the runner, whose parts have been escaped."""
    out = stdout()
    out.write_commands(text)
    out.flush()


def complain(text: str) -> None:
    """Write an error to stderr; it may quote a file, or an argument."""
    err = stderr()
    err.write("gilbench: " + "\n".join(map(printable, text.splitlines())) + "\n")
    err.flush()


def console(*, error: bool = False) -> Console:
    """What draws tables on stdout, or on stderr."""
    return _console(stderr() if error else stdout())


def notes(*, quiet: bool = False) -> Console:
    """What writes notes, and draws progress, on stderr; a path stays in one line."""
    return _console(stderr(), quiet=quiet, soft_wrap=True)


def _console(file: Stream, *, quiet: bool = False, soft_wrap: bool = False) -> Console:
    from gilbench.render.console import PlainConsole  # noqa: PLC0415 - rich is not needed for --version

    return PlainConsole(file=cast("TextIO", file), quiet=quiet, soft_wrap=soft_wrap)
