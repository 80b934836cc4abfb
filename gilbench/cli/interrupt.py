"""What Ctrl-C does to a session."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Self

_AGAIN = 0.001  # s from an interrupt that was dropped to the next


class Interrupt:
    """Ctrl-C once lets the running slice end, twice ends everything at once.

    Python drops what is raised while it destroys an object, an interrupt too; one that came there comes again.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, object] = {}
        self._report_dropped = sys.unraisablehook

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            self._before[number] = signal.signal(number, self._handle)
        self._report_dropped, sys.unraisablehook = sys.unraisablehook, self._again
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = self._report_dropped
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def _again(self, dropped: sys.UnraisableHookArgs) -> None:
        if dropped.exc_type is KeyboardInterrupt:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)
        else:
            self._report_dropped(dropped)
