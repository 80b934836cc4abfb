"""The list of rows that are known to be bad: each may fail a check, and says why.

A TOML file with one table for each row, or for several by patterns (``*``, ``?``, ``[...]``)::

    [[known]]
    workload = "tcp_echo_cpu"    # name or pattern; "family cpu" is the geometric mean over that family
    interpreter = "3.13*"        # name or pattern, as tables call it
    metric = "latency_*"         # name or pattern
    threads = 2                  # exactly this number
    parameters = {main = "busy"} # those named have these values
    reason = "issue 17: the accept loop takes the GIL twice"

``reason`` and at least one other field are needed; a field that is not given may be anything.
"""

from __future__ import annotations

import fnmatch
import tomllib
from pathlib import Path

import msgspec

from gilbench.errors import UsageError
from gilbench.metrics import METRICS
from gilbench.model import Comparison, Name, Struct, Threads, Value

_EXAMPLE = (
    'Write e.g. [[known]] workload = "countdown" threads = 2 reason = "why", each on a line of its own.'
)


class Known(Struct, frozen=True, forbid_unknown_fields=True):
    """What is expected to be bad, and why."""

    reason: str
    workload: str = "*"
    interpreter: str = "*"
    metric: str = "*"
    threads: Threads | None = None
    parameters: dict[Name, Value] = msgspec.field(default_factory=dict)

    def covers(self, row: Comparison) -> bool:
        """Whether a row is meant."""
        return (
            fnmatch.fnmatchcase(row.workload, self.workload)
            and fnmatch.fnmatchcase(row.interpreter, self.interpreter)
            and fnmatch.fnmatchcase(row.metric, self.metric)
            and self.threads in {None, row.threads}
            and self.parameters.items() <= dict(row.parameters).items()
        )


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    known: tuple[Known, ...] = ()


def read_known_bad(path: Path) -> tuple[Known, ...]:
    """Read the list.

    Raises:
        UsageError: The file cannot be read, is no TOML, or a row of it is wrong.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; name the file after --known-bad") from error
    except (ValueError, RecursionError) as error:  # of a long number tomllib lets Python's own error through
        raise UsageError(f"{path} is no TOML: {error}\n{_EXAMPLE}") from error
    try:
        rows = msgspec.convert(content, _File).known
    except (msgspec.ValidationError, RecursionError) as error:
        raise UsageError(f"{path} is no list of known rows: {error}\n{_EXAMPLE}") from error
    for number, row in enumerate(rows):
        if not row.reason.strip():
            raise UsageError(f"{path}: the reason of `$.known[{number}]` is empty\nSay why the row may fail.")
        if row == Known(reason=row.reason):
            raise UsageError(f"{path}: `$.known[{number}]` excuses everything\nName a workload, for example.")
        if not fnmatch.filter(METRICS, row.metric):
            raise UsageError(
                f"{path}: no metric matches {row.metric!r} of `$.known[{number}]`\nThere are {', '.join(METRICS)}."
            )
    return rows
