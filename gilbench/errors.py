"""Everything that can go wrong in a way that a user can mend.

GilbenchError                  one or two lines for the user, with the next step
├── UsageError                 an option or argument that cannot be served          exit 2
├── InterpreterError           an interpreter that is absent, unusable or not built  exit 2
├── StudyError                 a study file that cannot be read or written           exit 2
└── RunFailure                 one run failed; becomes a record, never the end       (exit 4 at the end)

A traceback shown to a user is a bug: ``cli`` turns these into lines and exit codes, in one place. Any other exception
is an internal error: one line and exit 70, with the traceback in a file.
"""

from __future__ import annotations


class GilbenchError(Exception):
    """Base of all errors that are shown to the user as plain lines."""

    exit_code = 2


class UsageError(GilbenchError):
    """An option or argument that cannot be served."""


class InterpreterError(GilbenchError):
    """An interpreter that is absent, unusable or could not be built or installed."""


class StudyError(GilbenchError):
    """A study file that cannot be read, resumed or written."""


class RunFailure(GilbenchError):
    """A run that failed: a crash, a time limit, rubbish on the wire, a wrong checksum.

    Args:
        kind: One word for the table: crash, exit, timeout, protocol, checksum, threads, workload, unsupported.
        message: One sentence with what was seen.
    """

    exit_code = 4

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
