"""``gilbench profile --live``: the screen that samples are drawn on, and its keys."""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType
from typing import TYPE_CHECKING, Self

from gilbench.host.keyboard import Keyboard, in_foreground
from gilbench.render.live import LiveScreen
from gilbench.render.live_state import LiveState, press

if TYPE_CHECKING:
    from rich.console import Console

    from gilbench.model.profile import Profile

_STDIN = 0
_DEADLY = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_SHARED = "the program shares this terminal; start it with < /dev/null to use keys"
_NOWHERE = "there is no terminal to read them from"


class LiveProfile:
    """Draws samples, and reads keys between them. The terminal is restored at every end, and while gilbench is stopped.

    Args:
        console: Console of a terminal.
        started: gilbench started the program, which has the same stdin.
    """

    def __init__(self, console: Console, *, started: bool) -> None:
        self._terminal = console.file.fileno()
        self._opened = contextlib.ExitStack()
        self._keyboard, without_keys = self._find_keys(started=started)
        self._screen = LiveScreen(console, without_keys)
        self._state = LiveState()
        self._stopping = False  # Ctrl-Z was pressed
        self._handled: list[int] = []  # signals

    @property
    def ended(self) -> bool:
        """Whether the user wants the report."""
        return self._state.ended

    def __enter__(self) -> Self:
        handlers = {signal.SIGTSTP: self._ask_to_stop, **dict.fromkeys(_DEADLY, self._die)}
        for number, handler in handlers.items():
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, handler)
                self._handled.append(number)
        self._appear()
        return self

    def __exit__(self, *_: object) -> None:
        with self._opened:
            self._disappear()
        for number in self._handled:
            signal.signal(number, signal.SIG_DFL)

    def sample(self, profile: Profile) -> None:
        """Draw the profile from the start to now."""
        self._screen.receive(profile)
        self._screen.draw(self._state)

    def wait(self, seconds: float) -> None:
        """Wait for keys, at most some seconds, and draw what they change."""
        if self._stopping:
            self._stop()
        self._appear()  # gilbench may have been stopped, or be in the background
        for key in self._keyboard.read(seconds):
            self._state = press(self._state, key, self._screen.orders)
        self._screen.draw(self._state)  # the terminal may have another size

    def _find_keys(self, *, started: bool) -> tuple[Keyboard, str]:
        """Return where keys are read from; if nowhere, with the reason."""
        if os.isatty(_STDIN):
            return (Keyboard(None), _SHARED) if started else (Keyboard(_STDIN), "")
        try:
            terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
        except OSError:
            return Keyboard(None), _NOWHERE
        self._opened.callback(os.close, terminal)
        return Keyboard(terminal), ""

    def _appear(self) -> None:
        if in_foreground(self._terminal):
            self._keyboard.take()
            self._screen.show()

    def _disappear(self) -> None:
        try:
            self._screen.hide()
        finally:
            self._keyboard.give_back()

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _stop(self) -> None:
        """Stop as any program does, and continue after SIGCONT."""
        self._stopping = False
        self._disappear()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._ask_to_stop)

    def _die(self, number: int, _frame: FrameType | None) -> None:
        """End by the signal. It may have interrupted a drawing, so nothing is written through the console."""
        self._screen.abandon()
        self._keyboard.give_back()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
