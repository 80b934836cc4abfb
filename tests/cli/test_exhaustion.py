"""What users read when the system refuses something, in the main thread and in others."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator

import pytest

from gilbench.cli import output
from gilbench.cli.exhaustion import report_in_threads, system_error

NO_THREAD = RuntimeError("can't start new thread")
NO_FILE = OSError(errno.EMFILE, os.strerror(errno.EMFILE), "/proc/1/stat")


@pytest.fixture
def hook() -> Iterator[None]:
    usual = threading.excepthook
    yield
    threading.excepthook = usual


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NO_THREAD, "cannot start a thread\nRaise the limits of processes and memory"),
        (NO_FILE, "Too many open files: /proc/1/stat\nRaise the limit of open files"),
        (MemoryError(), "out of memory"),
    ],
)
def test_an_error_of_the_system_says_what_to_do(error: BaseException, said: str) -> None:
    assert (system_error(error) or "").startswith(said)


@pytest.mark.parametrize("error", [RuntimeError("dictionary changed"), ValueError("can't start new thread")])
def test_other_errors_are_not_of_the_system(error: BaseException) -> None:
    assert system_error(error) is None


def ended_by(error: BaseException) -> None:
    def end() -> None:
        raise error

    thread = threading.Thread(target=end)
    thread.start()
    thread.join()


@pytest.mark.usefixtures("hook")
@pytest.mark.parametrize("error", [NO_FILE, NO_THREAD])
def test_a_thread_says_so_in_one_message(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    with output.streams():
        report_in_threads()
        ended_by(error)
    said = capsys.readouterr().err
    assert said.startswith("gilbench: a part of the work has stopped: ")
    assert len(said.splitlines()) == 2


@pytest.mark.usefixtures("hook")
def test_a_mistake_in_a_thread_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", seen.append)
    report_in_threads()
    ended_by(ValueError("a mistake"))
    assert [str(one.exc_value) for one in seen] == ["a mistake"]
