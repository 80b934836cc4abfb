"""Handles Ctrl-C during a session."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Self

_AGAIN = 0.001  # s between a dropped interrupt and its repetition


class Interrupt:
    """The first Ctrl-C ends the session after the current slice; the second ends it immediately.

    Python drops exceptions raised in destructors, including KeyboardInterrupt. A dropped interrupt is repeated.
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
