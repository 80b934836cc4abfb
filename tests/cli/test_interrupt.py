from __future__ import annotations

import os
import signal
import sys
import time
import weakref
from collections.abc import Callable

import pytest

from gilbench.cli.interrupt import Interrupt

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)


class Thing:
    """Something that can be destroyed."""


class InterruptedInItsDestructor:
    def __del__(self) -> None:
        interrupt()


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def interrupt_twice() -> None:
    interrupt()
    interrupt()


def interrupted_in_a_destructor() -> None:
    interrupt()
    InterruptedInItsDestructor()
    time.sleep(5)


def interrupted_in_a_weak_reference() -> None:
    interrupt()
    thing = Thing()
    reference = weakref.ref(thing, lambda _gone: interrupt())
    del thing
    time.sleep(5)
    assert reference() is None


def test_the_first_interrupt_only_asks() -> None:
    with Interrupt() as asking:
        assert not asking.asked
        interrupt()
        assert asking.asked


@pytest.mark.parametrize(
    "twice", [interrupt_twice, interrupted_in_a_destructor, interrupted_in_a_weak_reference]
)
def test_the_second_interrupt_ends_it_wherever_it_comes(
    twice: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    with Interrupt(), pytest.raises(KeyboardInterrupt):
        twice()
    assert time.monotonic() - began < 4
    assert capsys.readouterr().err == ""


def test_another_error_in_a_destructor_is_still_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __del__(self) -> None:
            raise ValueError("broken")

    reported: list[type[BaseException] | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: reported.append(dropped.exc_type))
    with Interrupt():
        Broken()
    assert reported == [ValueError]


def test_nothing_of_it_stays_behind() -> None:
    before, hook = [signal.getsignal(number) for number in NUMBERS], sys.unraisablehook
    with Interrupt(), pytest.raises(KeyboardInterrupt):
        interrupted_in_a_destructor()
    assert [signal.getsignal(number) for number in NUMBERS] == before
    assert sys.unraisablehook is hook
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
