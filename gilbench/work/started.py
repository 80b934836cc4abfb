"""A program that gilbench started: which Python it runs, and the signals that it gets."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from types import FrameType

from gilbench.host.process import Program
from gilbench.model.errors import UsageError
from gilbench.observe.running import RunningPython, descendants, find_python

_SHORT = 0.005  # s between two checks whether a launcher has started Python
_START_LIMIT = 20.0  # s for a launcher to start Python


def python_of(program: Program) -> RunningPython | None:
    """Return the first CPython that a program runs: the program itself, or one of its descendants."""
    limit = time.monotonic() + _START_LIMIT
    while program.poll() is None and time.monotonic() < limit:
        for pid in (program.pid, *descendants(program.pid)):
            with contextlib.suppress(UsageError, OSError):  # it may end meanwhile
                return find_python(pid)
        time.sleep(_SHORT)
    return None


@contextlib.contextmanager
def passed_on(program: Program) -> Iterator[None]:
    """Forward signals that request gilbench's end to a program. The terminal's Ctrl-C reaches it anyway."""

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGINT or not in_the_foreground():
            program.signal(number)

    before = {
        number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def in_the_foreground() -> bool:
    """Return whether the terminal sends its signals to gilbench's process group."""
    try:
        with open("/dev/tty", "rb", buffering=0) as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False
