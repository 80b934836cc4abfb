"""How long the threads of a CPython wait for locks other than the GIL, by bpftrace."""

from __future__ import annotations

from pathlib import Path

from gilbench.interpreters.image import read_image
from gilbench.model.observed import LockWait
from gilbench.observe.bpftrace import BpftraceError, Script
from gilbench.observe.bpftrace_access import why_not
from gilbench.observe.running import RunningPython
from gilbench.observe.script import filled, places

_FUNCTIONS = ("PyThread_acquire_lock_timed", "_PyMutex_LockTimed")  # of older and of newer locks
_FIRST = (3, 2)  # before, the GIL is such a lock, too


class LockWaits:
    """Times the waits that begin and end before ``finish``. Each call costs some µs, also one that need not wait.

    Args:
        python: The process.
    """

    def __init__(self, python: RunningPython) -> None:
        self._script: Script | None = None
        self.unavailable = why_not()
        if self.unavailable is not None:
            return
        if python.version is None or python.version < _FIRST:
            self.unavailable = "before Python 3.2, the GIL is such a lock"
            return
        try:
            image = read_image(python.code)
            functions = [name for name in _FUNCTIONS if image.place(name) is not None]
            if not functions:
                self.unavailable = f"{python.code.name} has no symbol {_FUNCTIONS[0]}"
                return
            values = {
                "pid": str(python.pid),
                "wait": places("uprobe", python.code, functions),
                "waited": places("uretprobe", python.code, functions),
            }
            script = filled(Path(__file__).with_name("lock_waits.bt"), values)
            self._script = Script(script, pid=python.pid, wait=False)
        except (BpftraceError, OSError, ValueError) as error:
            self.unavailable = str(error)

    def ready(self) -> None:
        """Return when it counts, or when it is known that it cannot."""
        if self._script is not None:
            try:
                self._script.ready()
            except BpftraceError as error:
                self._script, self.unavailable = None, str(error)

    def finish(self) -> dict[int, LockWait] | None:
        """Stop timing, and return the waits by thread; None: they were not observed."""
        if self._script is None:
            return None
        waits = self._script.finish().get("@waits")
        if waits is None:  # the main thread of a worker waits for the others, if for nothing else
            self.unavailable = "bpftrace ended without its sums"
            return None
        return {
            int(tid): LockWait(count=one["count"], seconds=one["total"] * 1e-9) for tid, one in waits.items()
        }
