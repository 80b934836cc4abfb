"""Shows the progress of a session on stderr. It is drawn only between slices, so it disturbs no measurement."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.console import Console

_PAUSE = 0.25  # s between two drawings


class SessionProgress:
    """A progress bar with the remaining time. On a pipe, it shows nothing.

    Args:
        console: Console on stderr.
        seconds: Planned duration in seconds.
        quiet: Show nothing.
    """

    def __init__(self, console: Console, seconds: float, *, quiet: bool) -> None:
        self._shown = console.is_terminal and not quiet
        self._planned, self._started, self._drawn = seconds, time.monotonic(), 0.0
        self._first: float | None = None
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[left]}"),
        )
        self._progress = Progress(*columns, console=console, auto_refresh=False, transient=True)
        self._task = self._progress.add_task("starting", total=1.0, left="")

    def __enter__(self) -> Self:
        if self._shown:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._shown:
            self._progress.stop()

    def update(self, text: str, share: float) -> None:
        """Show the current step, and the fraction of the plan that is done."""
        now = time.monotonic()
        if not self._shown or now - self._drawn < _PAUSE:
            return
        self._drawn = now
        if self._first is None:
            self._first = share  # a resumed study has done this fraction before
        self._progress.update(self._task, description=text, completed=share, left=self._left(now, share))
        self._progress.refresh()

    def _left(self, now: float, share: float) -> str:
        first = self._first or 0.0
        elapsed, done = now - self._started, (share - first) / (1 - first)
        # The observed speed gradually replaces the planned duration.
        total = self._planned * (1 - first) * (1 - done) + (elapsed / done if done > 0 else 0.0) * done
        left = max(0, round(total - elapsed))
        return f"{left // 60}:{left % 60:02d} left"
