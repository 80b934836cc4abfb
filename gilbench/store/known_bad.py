"""Reads the list of known regressions, which do not fail a check.

The list is a TOML file. Each table matches one row of a check, or several by patterns (``*``, ``?``, ``[...]``)::

    [[known]]
    workload = "tcp_echo_cpu"    # name or pattern
    interpreter = "3.13*"        # name or pattern, as in tables
    metric = "latency_*"         # name or pattern
    threads = 2                  # exact number
    parameters = {main = "busy"} # values of these parameters; others may have any value
    reason = "issue 17: the accept loop acquires the GIL twice"

``reason`` and at least one other field are required. An omitted field matches everything.
"""

from __future__ import annotations

import fnmatch
import tomllib
from pathlib import Path

import msgspec

from gilbench.model.errors import UsageError
from gilbench.model.metrics import METRICS
from gilbench.model.results import Known
from gilbench.model.study import Struct

_EXAMPLE = (
    'Write for example [[known]], workload = "countdown", threads = 2, reason = "why", each on its own line.'
)


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    known: tuple[Known, ...] = ()


def read_known_bad(path: Path) -> tuple[Known, ...]:
    """Read the list.

    Raises:
        UsageError: The file cannot be read, is not TOML, or has an invalid entry.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; pass another file to --known-bad") from error
    except (ValueError, RecursionError) as error:  # a very long number raises Python's own error
        raise UsageError(f"{path} is not valid TOML: {error}\n{_EXAMPLE}") from error
    try:
        rows = msgspec.convert(content, _File).known
    except (msgspec.ValidationError, RecursionError) as error:
        raise UsageError(f"{path} is not a list of known regressions: {error}\n{_EXAMPLE}") from error
    for number, row in enumerate(rows):
        if not row.reason.strip():
            raise UsageError(f"{path}: the reason of `$.known[{number}]` is empty\nAdd a reason.")
        if row == Known(reason=row.reason):
            raise UsageError(f"{path}: `$.known[{number}]` matches every row\nAdd, for example, a workload.")
        if not fnmatch.filter(METRICS, row.metric):
            raise UsageError(
                f"{path}: no metric matches {row.metric!r} of `$.known[{number}]`\nUse {', '.join(METRICS)}."
            )
    return rows
