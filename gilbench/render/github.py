"""Writes a check, also of limits, as annotations of GitHub Actions, for example ``::error title=...::...``.

GitHub shows ten annotations of each kind per step. The tenth one counts the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, TextIO

from gilbench.model.profile_results import LimitCheck
from gilbench.model.results import Check
from gilbench.render.check_page import CheckRow, failure, headline, notes, sections
from gilbench.render.explanation_parts import why
from gilbench.render.figures import threads_name
from gilbench.render.guard import printable, without_commands
from gilbench.render.limits_page import limits_headline, sentence

MOST = 10
_LEVELS: dict[str, Literal["error", "warning", "notice"]] = {
    "regressed": "error",
    "known bad": "notice",
    "recovered": "warning",
    "improved": "notice",
}


def write_github(check: Check | LimitCheck, file: TextIO) -> None:
    """Write the annotations, one per line. Other rows are only in the summary."""
    found = _of_limits(check) if isinstance(check, LimitCheck) else _of_check(check)
    for level, messages in found.items():
        file.writelines(_lines(level, messages))


def _of_limits(check: LimitCheck) -> dict[str, list[tuple[str, str]]]:
    told = {"exceeded": "error", "inconclusive": "warning"}
    found: dict[str, list[tuple[str, str]]] = {"error": [], "warning": [], "notice": []}
    found["warning" if check.verdict == "inconclusive" else "notice"].append(
        ("gilbench check", limits_headline(check))
    )
    for one in check.results:
        if one.verdict != "pass":
            found[told[one.verdict]].append(("gilbench: limit", sentence(one)))
    found["warning"] += [("gilbench", caveat.text) for caveat in check.caveats]
    return found


def _of_check(check: Check) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {"error": [], "warning": [], "notice": []}
    verdict = "notice" if check.gate.verdict in {"pass", "regressed"} else "warning"
    found[verdict].append(("gilbench check", headline(check.gate)))
    found["error"] += [("gilbench: failed to run", failure(failed)) for failed in check.gate.failed]
    for section in sections(check.gate):
        if section.status in _LEVELS:
            found[_LEVELS[section.status]] += [
                (f"gilbench: {section.title}", _sentence(row, why(check, item.comparison)))
                for row, item in zip(section.rows, section.items, strict=True)
            ]
    found["warning"] += [("gilbench", note) for note in notes(check)]
    return found


def annotation(level: str, title: str, message: str) -> str:
    """Return one annotation with its line feed. Its parts cannot contain another command."""
    # A property also ends at a colon or a comma.
    safe = _escaped(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={safe}::{_escaped(without_commands(message))}\n"


def _escaped(text: str) -> str:
    return printable(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _lines(level: str, messages: Sequence[tuple[str, str]]) -> Iterator[str]:
    fit = messages if len(messages) <= MOST else messages[: MOST - 1]
    for title, message in fit:
        yield annotation(level, title, message)
    if len(fit) < len(messages):
        yield annotation(level, "gilbench", f"and {len(messages) - len(fit)} more: see the step summary")


def _sentence(row: CheckRow, cause: str) -> str:
    known = f"; known: {row.reason}" if row.reason else ""
    name = f"{row.workload} on {row.interpreter}, {threads_name(row.threads)}"
    return f"{name}: {row.metric} x {row.ratio}, {row.verdict}{known}{f'; {cause}' if cause else ''}"
