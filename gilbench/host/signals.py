"""Waits that end early: by a signal that asks gilbench to end, or by a descriptor."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Self


class EndSignals:
    """While it is entered, SIGTERM, SIGINT, and SIGHUP end waits and are remembered. Only the main thread may enter it.

    Args:
        pass_on: Called with each signal; None: they ask gilbench to end.
    """

    def __init__(self, pass_on: Callable[[int], None] | None = None) -> None:
        self._pass_on = pass_on
        self.asked = False
        self._before: dict[int, object] = {}
        self._opened = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        for descriptor in (self._reader, writer):
            self._opened.callback(os.close, descriptor)
        self._opened.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(writer, warn_on_full_buffer=False))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._opened.close()

    def wait(self, seconds: float, descriptors: Iterable[int] = ()) -> None:
        """Wait until a descriptor is readable, a signal comes, or the time is over."""
        ready, _, _ = select.select([self._reader, *descriptors], [], [], max(seconds, 0.0))
        if self._reader in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._reader, 4096)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._pass_on is None:
            self.asked = True
        else:
            self._pass_on(number)
