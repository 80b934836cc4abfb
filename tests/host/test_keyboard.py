from __future__ import annotations

import os
import pty
import termios
from collections.abc import Iterator

import pytest

from gilbench.host.keyboard import Keyboard, in_foreground, split_keys


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal: the user's, and gilbench's."""
    user, terminal = pty.openpty()
    yield user, terminal
    for descriptor in (user, terminal):
        try:
            os.close(descriptor)
        except OSError:
            assert descriptor == user


@pytest.mark.parametrize(
    ("text", "keys", "rest"),
    [
        ("sq", ("s", "q"), ""),
        ("\r\n\x7f\b\x15\x1b", ("enter", "enter", "backspace", "backspace", "clear", "escape"), ""),
        ("\x1b[C\x1bOD<", ("right", "left", "<"), ""),
        ("é漢 ", ("é", "漢", " "), ""),
        ("\x1b[15~\x1b[1;5A\x04\x00p", ("p",), ""),  # keys without a meaning
        ("p\x1b[1;", ("p",), "\x1b[1;"),  # the rest is still to come
        ("\x1b[1;5Cq", ("q",), ""),
        ("", (), ""),
    ],
)
def test_what_a_terminal_sends_is_split_into_keys(text: str, keys: tuple[str, ...], rest: str) -> None:
    assert split_keys(text) == (keys, rest)


def test_keys_come_without_enter_and_echo_and_the_settings_return(ends: tuple[int, int]) -> None:
    user, terminal = ends
    before = termios.tcgetattr(terminal)
    keyboard = Keyboard(terminal)
    keyboard.take()
    os.write(user, b"s\x1b[")
    assert keyboard.read(5) == ("s",)
    os.write(user, "Cé".encode()[:-1])
    assert keyboard.read(5) == ("right",)
    os.write(user, "é".encode()[-1:])
    assert keyboard.read(5) == ("é",)
    assert not termios.tcgetattr(terminal)[3] & (termios.ECHO | termios.ICANON)
    assert termios.tcgetattr(terminal)[3] & termios.ISIG
    os.write(user, b"qq")  # too late: not for the shell
    keyboard.give_back()
    assert termios.tcgetattr(terminal) == before
    os.set_blocking(terminal, False)
    with pytest.raises(BlockingIOError):
        os.read(terminal, 10)


def test_a_keyboard_that_was_given_back_can_be_taken_again(ends: tuple[int, int]) -> None:
    user, terminal = ends
    keyboard = Keyboard(terminal)
    for _ in range(2):
        keyboard.take()
        keyboard.take()
        os.write(user, b"p")
        assert keyboard.read(5) == ("p",)
        keyboard.give_back()
    os.write(user, b"p")
    assert keyboard.read(0) == ()


def test_a_terminal_that_was_closed_has_no_keys(ends: tuple[int, int]) -> None:
    user, terminal = ends
    keyboard = Keyboard(terminal)
    keyboard.take()
    os.close(user)
    assert keyboard.read(5) == ()
    assert keyboard.read(0) == ()
    keyboard.take()
    keyboard.give_back()


def test_without_a_terminal_there_are_no_keys() -> None:
    keyboard = Keyboard(None)
    keyboard.take()
    assert keyboard.read(0) == ()
    keyboard.give_back()


def test_a_file_and_a_terminal_of_another_session_have_no_foreground(ends: tuple[int, int]) -> None:
    assert in_foreground(ends[1])
    with open(os.devnull, "rb") as nothing:
        assert in_foreground(nothing.fileno())
        keyboard = Keyboard(nothing.fileno())
        keyboard.take()
        assert keyboard.read(0) == ()
