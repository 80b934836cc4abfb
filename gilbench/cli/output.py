"""Prints. All output to stdout and stderr passes through this module.

    write(text)          a whole text: JSON, Markdown, a sentence
    console().print(..)  tables and sentences, drawn by rich
    notes().print(..)    notes on stderr
    complain(text)       an error
    stdout()             a stream, for output row by row

No output can contain a command to a CI runner (``render.guard``), and only rich sends control characters to a
terminal. A write error on stdout is an error of one line; a write error on stderr is ignored, since it cannot be shown.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO, cast

from gilbench.model.errors import GilbenchError
from gilbench.render.guard import printable, printable_lines, shortened, without_commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

_TAIL = 80  # characters kept of an unfinished line, in which a command may have started


class OutputError(GilbenchError):
    """Stdout cannot be written."""


class _Lost(OSError):
    """The stream was closed before gilbench started."""


class Stream(io.TextIOBase):
    """A stream that blocks commands to CI runners, and reports write errors in one line.

    Args:
        inner: The underlying stream; None: closed before gilbench started.
        name: Name of the stream in errors; None: ignore write errors.
    """

    def __init__(self, inner: TextIO | None, name: str | None) -> None:
        self._inner, self._name = inner, name
        self._tail = ""
        if isinstance(inner, io.TextIOWrapper):
            inner.reconfigure(errors="replace")  # a log or a file name may be invalid UTF-8

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Encoding of the underlying stream."""
        return getattr(self._inner, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write a text that may contain text from outside."""
        whole = without_commands(self._tail + text)
        # A command that started in the written part is broken where the two parts meet.
        rest = whole[len(self._tail) :] if whole.startswith(self._tail) else f" {without_commands(text)}"
        self._tail = (self._tail + rest).rpartition("\n")[2][-_TAIL:]
        self.write_commands(rest)
        return len(text)

    def write_commands(self, text: str) -> None:
        """Write a text unchanged: commands to a CI runner, or text that has been checked."""
        with self._failing():
            if self._inner is None:
                raise _Lost
            self._inner.write(text)

    def flush(self) -> None:
        """Write buffered text."""
        if self._inner is not None:
            with self._failing():
                self._inner.flush()

    def isatty(self) -> bool:
        """Return whether the underlying stream is a terminal."""
        return self._inner is not None and self._inner.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the underlying stream."""
        return io.TextIOBase.fileno(self) if self._inner is None else self._inner.fileno()

    def abandon(self) -> None:
        """Discard buffered and later text, since the reader has ended or the disk is full."""
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
            reason = getattr(error, "strerror", None) or "stream closed"
            raise OutputError(f"cannot write to {self._name}: {reason}") from error


@contextlib.contextmanager
def streams() -> Iterator[None]:
    """Redirect the output of all libraries through this module."""
    _hold_closed_descriptors()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = stdout(), stderr()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _hold_closed_descriptors() -> None:
    """Reserve the numbers of closed streams. Otherwise, the next opened file would get the number, and the output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # gets the lowest free number; writes to it fail


def stdout() -> Stream:
    """Return the stream for results."""
    return sys.stdout if isinstance(sys.stdout, Stream) else Stream(sys.stdout, "stdout")


def stderr() -> Stream:
    """Return the stream for everything else."""
    return sys.stderr if isinstance(sys.stderr, Stream) else Stream(sys.stderr, None)


def write(text: str) -> None:
    """Write lines to stdout, and flush it."""
    out = stdout()
    out.write(printable_lines(text))
    out.flush()


def write_commands(text: str) -> None:
    """Write commands to the CI runner, whose parts have been escaped."""
    out = stdout()
    out.write_commands(text)
    out.flush()


def complain(text: str) -> None:
    """Write an error to stderr. It may quote a file or an argument."""
    err = stderr()
    err.write("gilbench: " + "\n".join(printable(shortened(line)) for line in text.splitlines()) + "\n")
    err.flush()


def console(*, error: bool = False) -> Console:
    """Return the console that draws tables on stdout or stderr."""
    return _console(stderr() if error else stdout())


def notes(*, quiet: bool = False) -> Console:
    """Return the console for notes and progress on stderr. It does not wrap paths."""
    return _console(stderr(), quiet=quiet, soft_wrap=True)


def _console(file: Stream, *, quiet: bool = False, soft_wrap: bool = False) -> Console:
    from gilbench.render.console import PlainConsole  # noqa: PLC0415 - rich is not needed for --version

    return PlainConsole(file=cast("TextIO", file), quiet=quiet, soft_wrap=soft_wrap)
