"""A check as annotations of GitHub Actions: ``::error title=...::...`` and its like.

GitHub shows ten annotations of each kind for a step; where there are more, the last one says how many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from gilbench.render.check import Check, Line, failure, headline, notes, sections, threads
from gilbench.render.guard import without_commands

MOST = 10
_LEVELS: dict[str, Literal["error", "warning", "notice"]] = {
    "regressed": "error",
    "known bad": "notice",
    "recovered": "warning",
    "improved": "notice",
}


def render_annotations(check: Check) -> str:
    """Write the annotations, one a line; inconclusive and equivalent rows are in the summary only."""
    said: dict[str, list[tuple[str, str]]] = {"error": [], "warning": [], "notice": []}
    said["warning" if check.gate.verdict == "inconclusive" else "notice"].append(
        ("gilbench check", headline(check.gate))
    )
    said["error"] += [("gilbench: failed to run", failure(failed)) for failed in check.gate.failed]
    for section in sections(check.gate):
        if section.status in _LEVELS:
            said[_LEVELS[section.status]] += [
                (f"gilbench: {section.title}", _sentence(line)) for line in section.lines
            ]
    said["warning"] += [("gilbench", note) for note in notes(check)]
    return "".join(line for level, annotations in said.items() for line in _lines(level, annotations))


def annotation(level: str, title: str, message: str) -> str:
    """One annotation, with its line feed."""
    return f"::{level} title={escape_property(title)}::{escape_data(message)}\n"


def escape_data(text: str) -> str:
    """A message, which ends where its line ends, and in which there is no other command."""
    return without_commands(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """A value of a property, which also ends at a colon or a comma."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


def _lines(level: str, annotations: Sequence[tuple[str, str]]) -> Iterator[str]:
    fit = annotations if len(annotations) <= MOST else annotations[: MOST - 1]
    for title, message in fit:
        yield annotation(level, title, message)
    if len(fit) < len(annotations):
        yield annotation(level, "gilbench", f"and {len(annotations) - len(fit)} more: see the step summary")


def _sentence(line: Line) -> str:
    known = f"; known: {line.reason}" if line.reason else ""
    return (
        f"{line.workload} on {line.interpreter}, {threads(line.threads)}: {line.metric} x {line.ratio}, "
        f"{line.verdict}{known}"
    )
