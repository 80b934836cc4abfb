"""Shows notes and progress on stderr while a command works, and handles Ctrl-C."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Self

from gilbench.cli import output
from gilbench.cli.interrupt import Interrupt
from gilbench.work.listener import Listener

if TYPE_CHECKING:
    from rich.status import Status

    from gilbench.render.progress import SessionProgress


class ConsoleListener(Listener):
    """Shows notes, and progress while it is entered.

    While a bar is drawn, the first Ctrl-C asks the work to stop after the running slice; otherwise it ends everything.

    Args:
        quiet: Show nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._notes = output.notes(quiet=quiet)
        self._quiet = quiet
        self._interrupt = Interrupt()
        self._drawn = contextlib.ExitStack()
        self._bar: SessionProgress | None = None
        self._status: Status | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._drawn.close()

    def note(self, text: str) -> None:
        """Show a line."""
        self._notes.print(text, style="dim")

    def say(self, text: str) -> None:
        """Show an important line, for example the saved file, or how to resume."""
        self._notes.print(text)

    def progress(self, text: str, share: float | None = None, planned: float | None = None) -> None:
        """Draw a bar if the done fraction is known; otherwise, a status line."""
        if share is not None and planned is not None:
            if self._bar is None:
                self._drawn.close()  # one of both can be drawn
                self._status = None
                from gilbench.render.progress import SessionProgress  # noqa: PLC0415 - rich.progress is slow

                self._drawn.enter_context(self._interrupt)
                bar = SessionProgress(self._notes, planned, quiet=self._quiet)
                self._bar = self._drawn.enter_context(bar)
            self._bar.update(text, share)
            return
        if self._bar is not None:  # the bar is complete; later steps have none
            self._drawn.close()
            self._bar = None
        if not self._notes.is_terminal or self._quiet:
            return
        if self._status is None:
            status = self._notes.status(text, refresh_per_second=1)
            self._status = self._drawn.enter_context(status)
        self._status.update(text)

    def stop(self) -> bool:
        """Whether Ctrl-C was pressed while a bar was drawn."""
        return self._interrupt.asked
