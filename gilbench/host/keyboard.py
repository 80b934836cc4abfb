"""Reads single keys from a terminal: no Enter is needed, and keys are not echoed."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import select
import termios
import time
import tty

_KEY = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO[A-Z]|\x1b\[[0-?]*\Z|.", re.DOTALL)
_NAMES = {
    "\r": "enter",
    "\n": "enter",
    "\x1b": "escape",
    "\x7f": "backspace",
    "\b": "backspace",
    "\x15": "clear",  # Ctrl-U
    "\x1b[D": "left",
    "\x1bOD": "left",
    "\x1b[C": "right",
    "\x1bOC": "right",
}
_MOST = 1024  # bytes read at once


def split_keys(text: str) -> tuple[tuple[str, ...], str]:
    """Split what a terminal sent into keys.

    Returns:
        The keys: a printable character is itself, others have names such as ``enter``, and unknown ones are left out;
        and the start of an escape sequence whose end is still to come.
    """
    found = _KEY.findall(text)
    rest = found.pop() if found and re.fullmatch(r"\x1b\[[0-?]*", found[-1]) else ""
    keys = (_NAMES.get(key, key if len(key) == 1 and key.isprintable() else "") for key in found)
    return tuple(filter(None, keys)), rest


def in_foreground(descriptor: int) -> bool:
    """Return whether this process may use a terminal. One that is not the controlling terminal has no such rule."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return True


class Keyboard:
    """The keys of a terminal, from ``take`` to ``give_back``.

    Args:
        descriptor: A terminal; None: there are no keys.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._before: list[int | list[bytes | int]] | None = None  # the terminal's settings; None: not taken
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        self._rest = ""

    def take(self) -> None:
        """Switch off line editing and echo. Ctrl-C and Ctrl-Z stay signals."""
        if self._descriptor is None or self._before is not None or not in_foreground(self._descriptor):
            return
        try:
            before = termios.tcgetattr(self._descriptor)
            tty.setcbreak(self._descriptor, termios.TCSANOW)
        except (termios.error, OSError):  # the terminal was closed
            self._descriptor = None
            return
        self._before = before

    def give_back(self) -> None:
        """Restore the terminal's settings, and discard keys that were not read."""
        before, self._before = self._before, None
        if before is not None and self._descriptor is not None:
            with contextlib.suppress(termios.error, OSError):
                termios.tcsetattr(self._descriptor, termios.TCSANOW, before)
                termios.tcflush(self._descriptor, termios.TCIFLUSH)

    def read(self, seconds: float) -> tuple[str, ...]:
        """Wait for keys, at most some seconds."""
        if self._descriptor is None or self._before is None or not in_foreground(self._descriptor):
            time.sleep(seconds)
            return ()
        if not select.select([self._descriptor], [], [], seconds)[0]:
            return ()
        try:
            data = os.read(self._descriptor, _MOST)
        except OSError:
            data = b""
        if not data:  # the terminal was closed
            self._descriptor = self._before = None
            return ()
        keys, self._rest = split_keys(self._rest + self._decoder.decode(data))
        return keys
