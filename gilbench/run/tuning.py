"""What pyperf knows of tuning this system: its own check, run and read."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from gilbench.process import ProcessError, capture

_LIMIT = 30.0  # s
_HELPFUL = {"Advices", "Warnings", "Errors"}  # its sections beside what it found


def tuning_advice() -> tuple[str, ...]:
    """What ``pyperf system show`` advises; one sentence each. A pyperf that fails is one sentence too."""
    command = [sys.executable, "-P", "-m", "pyperf", "system", "show"]
    try:
        done = capture(command, seconds=_LIMIT)
    except ProcessError as error:
        return (f"the system could not be checked: {error}",)
    advice = tuple(read_advice(done.stdout))
    if done.status and not advice:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.status}"])[-1]
        return (f"the system could not be checked: {last}",)
    return advice


def read_advice(text: str) -> Iterator[str]:
    """Read what pyperf writes: sections of lines, each under a title that is underlined with ``=``."""
    title, inside = "", False
    before = ""
    for line in text.splitlines():
        if line and set(line) == {"="}:
            title, inside = before, False
        elif line and title in _HELPFUL:
            inside = True
            yield line.strip()
        elif not line and inside:  # its last words follow the last section
            title = ""
        before = line
