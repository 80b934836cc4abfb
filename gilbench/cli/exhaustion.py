"""Errors of the system: a resource is exhausted, or permission is denied. They are no faults of gilbench."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

from gilbench.cli import output

_REMEDIES = {
    errno.EMFILE: "\nRaise the limit of open files: ulimit -n 1024",
    errno.ENOSPC: "\nFree some disk space, or set TMPDIR to a folder with free space.",
}
_NO_THREAD = "can't start new thread"  # CPython raises a plain RuntimeError for it


def system_error(error: BaseException) -> str | None:
    """Describe an error of the system, with what to do; None: it is another error."""
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, RuntimeError) and _NO_THREAD in str(error):
        return "cannot start a thread\nRaise the limits of processes and memory: ulimit -u unlimited -v unlimited"
    if not isinstance(error, OSError):
        return None
    where = "" if error.filename is None else f": {error.filename}"
    remedy = _REMEDIES.get(error.errno or 0, "")
    if str(error.filename).startswith("/proc/") and not Path("/proc/self").exists():
        remedy = "\n/proc is not mounted; mount it: mount -t proc proc /proc"
    return f"{error.strerror or error}{where}{remedy}"


def report_in_threads() -> None:
    """Let a thread that ends by an error of the system say so in one line, as the main thread does."""
    usual = threading.excepthook

    def report(ended: threading.ExceptHookArgs) -> None:
        reason = None if ended.exc_value is None else system_error(ended.exc_value)
        if reason is None:
            usual(ended)
        else:
            output.complain(f"a part of the work has stopped: {reason}")

    threading.excepthook = report
