"""Suggestions of pyperf for tuning this system."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from gilbench.host.process import ProcessError, capture

_LIMIT = 30.0  # s
_HELPFUL = {"Advices", "Warnings", "Errors"}  # sections of its output with suggestions


def tuning_advice() -> tuple[str, ...]:
    """Return the suggestions of ``pyperf system show``, one sentence each. Its failure is one sentence, too."""
    command = [sys.executable, "-P", "-m", "pyperf", "system", "show"]
    try:
        done = capture(command, seconds=_LIMIT)
    except ProcessError as error:
        return (f"cannot check the system: {error}",)
    advice = tuple(read_advice(done.stdout))
    if done.status and not advice:
        return (f"cannot check the system: {done.reason}",)
    return advice


def read_advice(text: str) -> Iterator[str]:
    """Read the output of pyperf: sections of lines, each under a title that is underlined with ``=``."""
    title, inside = "", False
    before = ""
    for line in text.splitlines():
        if line and set(line) == {"="}:
            title, inside = before, False
        elif line and title in _HELPFUL:
            inside = True
            yield line.strip()
        elif not line and inside:  # text after the last section belongs to none
            title = ""
        before = line
