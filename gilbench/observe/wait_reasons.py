"""What a sleeping thread waits for, as its Python functions tell: a lock, a condition, a queue, another thread, ..."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gilbench.model.profile import LOCK, NO_FUNCTION
from gilbench.observe.sleeps import FUTEX
from gilbench.observe.stacks import frame_name, short_file

_THREAD, _CHILD, _OF_C = "thread to end", "child process", "lock of C code"
_QUEUE = dict.fromkeys(("get", "put", "join"), "queue")
_FUTURE = dict.fromkeys(("result", "exception", "wait", "as_completed", "result_iterator"), "future")
# Functions in which their callers wait, by file of the standard library: what for. Those of threading are below.
_WAITS: dict[str, dict[str, str]] = {
    "queue.py": _QUEUE,
    "Queue.py": _QUEUE,
    "multiprocessing/queues.py": _QUEUE,
    "concurrent/futures/thread.py": {"_worker": "queue"},
    "concurrent/futures/_base.py": _FUTURE,
    "subprocess.py": dict.fromkeys(
        ("wait", "_wait", "_try_wait", "_eintr_retry_call", "communicate", "_communicate", "run", "call"),
        _CHILD,
    ),
}
_THREADING = {
    "wait_for": "condition",
    "_wait": "barrier",
    "join": _THREAD,
    "_wait_for_tstate_lock": _THREAD,
    "_shutdown": _THREAD,
    "_exitfunc": _THREAD,
    "start": "thread to start",
}
_HELPERS = {"socket.py", "ssl.py", "selectors.py"}  # their functions are called in order to wait


class WaitReason(NamedTuple):
    """What a thread waits for."""

    kind: str  # LOCK, "condition", "queue", ..., else what it sleeps on
    function: str | None  # the innermost one that does not itself belong to the waiting


def wait_reason(kind: str, frames: Sequence[Mapping[str, Any]]) -> WaitReason:
    """Return what a thread waits for.

    Args:
        kind: What it sleeps on, as in ``Sleep``.
        frames: Its frames as py-spy tells them, innermost first: ``name``, ``filename``, ``line``.
    """
    if not frames:
        return WaitReason(_OF_C if kind == FUTEX else kind, NO_FUNCTION)
    shown = frames[0]
    for frame in frames:
        outer = _of_caller(kind, short_file(str(frame.get("filename"))), str(frame.get("name")))
        if outer is None:
            shown = frame
            break
        kind = outer
    line = shown.get("line")
    name = frame_name(str(shown.get("name")), shown.get("filename"), line if isinstance(line, int) else None)
    return WaitReason(LOCK if kind == FUTEX else kind, name)


def _of_caller(kind: str, file: str, name: str) -> str | None:
    """Return what the caller of a function that waits for ``kind`` waits for; None: the function is no wait itself."""
    name = name.rpartition(".")[2]  # the class, which older versions do not tell
    if file in _HELPERS:
        return kind
    if file != "threading.py":
        return _WAITS.get(file, {}).get(name)
    if name == "wait":  # of a Condition, and around it of an Event or a Barrier
        return {"condition": "event", "barrier": "barrier"}.get(kind, "condition")
    if name in {"acquire", "__enter__"}:  # of a lock, or of a Semaphore, which waits for a condition
        return "semaphore" if kind == "condition" else LOCK
    return _THREADING.get(name)
