"""What a sleeping thread waits for, told by stacks as py-spy gives them, innermost first."""

from __future__ import annotations

import pytest

from gilbench.observe.sleeps import FUTEX
from gilbench.observe.wait_reasons import wait_reason

LIBRARY = "/usr/lib/python3.11/"


def stack(*frames: str) -> list[dict[str, object]]:
    """Frames given as ``file:name``."""
    found = []
    for line, frame in enumerate(frames, 1):
        file, _, name = frame.rpartition(":")
        found.append({"name": name, "filename": file if "/" in file else f"<{file}>", "line": line})
    return found


@pytest.mark.parametrize(
    ("frames", "kind"),
    [
        (("app:f",), "lock"),
        (("threading.py:Condition.wait", "app:f"), "condition"),
        (("threading.py:wait", "threading.py:wait_for", "app:f"), "condition"),
        (("threading.py:Condition.wait", "threading.py:Event.wait", "app:f"), "event"),
        (("threading.py:wait", "threading.py:wait", "app:f"), "event"),
        (("threading.py:wait", "threading.py:acquire", "app:f"), "semaphore"),
        (("threading.py:acquire", "app:f"), "lock"),
        (
            (
                "threading.py:wait",
                "threading.py:wait_for",
                "threading.py:_wait",
                "threading.py:wait",
                "app:f",
            ),
            "barrier",
        ),
        (("threading.py:_wait_for_tstate_lock", "threading.py:join", "app:f"), "thread to end"),
        (("threading.py:wait", "queue.py:get", "app:f"), "queue"),
        (("threading.py:Condition.__enter__", "queue.py:Queue.put", "app:f"), "queue"),
    ],
)
def test_the_functions_of_the_waiting_itself_tell_what_for(frames: tuple[str, ...], kind: str) -> None:
    found = wait_reason(FUTEX, stack(*(f"{LIBRARY}{one}" if ".py:" in one else one for one in frames)))
    assert found.kind == kind
    assert found.function == f"f (<app>:{len(frames)})"


def test_a_system_call_is_what_is_waited_for_whoever_calls_it() -> None:
    assert wait_reason("socket", stack(f"{LIBRARY}socket.py:SocketIO.readinto", "app:f")).kind == "socket"
    assert wait_reason("poll", stack(f"{LIBRARY}selectors.py:select", "app:f")) == ("poll", "f (<app>:2)")
    assert (
        wait_reason("poll", stack(f"{LIBRARY}subprocess.py:Popen.communicate", "app:f")).kind
        == "child process"
    )


def test_a_function_that_only_waits_is_named_itself() -> None:
    assert wait_reason(FUTEX, stack(f"{LIBRARY}threading.py:join")).function is not None


def test_a_thread_without_python_waits_for_a_lock_of_c() -> None:
    assert wait_reason(FUTEX, []).kind == "lock of C code"
    assert wait_reason("socket", []).kind == "socket"
