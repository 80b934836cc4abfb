"""What the kernel shows of sleeping threads, on threads of this very process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gilbench.observe.gil.futex_wait import FutexWait, futex_wait


def seen_of(work: Callable[[], object], stop: Callable[[], object]) -> list[FutexWait | None]:
    """What was seen of a thread while it worked."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    time.sleep(0.05)
    assert thread.native_id is not None
    seen = [futex_wait(os.getpid(), thread.native_id) for _ in range(20)]
    stop()
    thread.join()
    return seen


def test_a_thread_that_waits_for_a_lock_sleeps_on_a_futex_without_an_end() -> None:
    lock = threading.Lock()
    lock.acquire()
    wait = seen_of(lock.acquire, lock.release)[-1]
    assert wait is not None
    assert wait.word
    assert not wait.timeout


def test_a_wait_with_an_end_has_a_timeout() -> None:
    lock = threading.Lock()
    lock.acquire()
    wait = seen_of(lambda: lock.acquire(timeout=20), lock.release)[-1]
    assert wait is not None
    assert wait.word
    assert wait.timeout


def test_another_sleep_is_on_no_futex() -> None:
    wait = seen_of(lambda: time.sleep(0.3), lambda: None)[0]
    assert wait == FutexWait(0)


def test_a_thread_that_has_ended_is_an_error() -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    assert thread.native_id is not None
    while Path(f"/proc/self/task/{thread.native_id}").exists():  # the kernel's thread ends after Python's
        time.sleep(0.001)
    with pytest.raises(OSError, match="No such"):
        futex_wait(os.getpid(), thread.native_id)
