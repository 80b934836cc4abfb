"""Errors that a user can fix.

GilbenchError                  one or two lines for the user, with the next step
├── UsageError                 an invalid option or argument                        exit 2
├── InterpreterError           an interpreter that is missing, unusable, or not built  exit 2
├── StudyError                 a file that cannot be read or written                 exit 2
└── RunFailure                 a failed run; recorded, and the session continues     (exit 4 at the end)

``cli`` alone turns these into lines and exit codes. Any other exception is an internal error: one line and exit 70,
with the traceback in a file. A traceback on the terminal is a bug.
"""

from __future__ import annotations

EXIT_INTERRUPTED = 130  # as shells report SIGINT; a saved check contains it, too


class GilbenchError(Exception):
    """Base class of the errors that are shown to the user as plain lines."""

    exit_code = 2


class UsageError(GilbenchError):
    """An invalid option or argument."""


class InterpreterError(GilbenchError):
    """An interpreter that is missing or unusable, or that could not be built or installed."""


class StudyError(GilbenchError):
    """A file of gilbench that cannot be read, resumed, or written."""


class RunFailure(GilbenchError):
    """A failed run: a crash, a timeout, an invalid reply, or a wrong checksum.

    Args:
        kind: One word for the table: crash, exit, timeout, protocol, checksum, threads, children, workload, call,
            unsupported, peer, mode; of commands also start, setup.
        message: The observed problem, in one sentence.
    """

    exit_code = 4

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
