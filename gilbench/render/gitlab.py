"""Writes a check, or a profile held to limits, as a GitLab code quality report, which merge requests show.

Regressions and exceeded limits are *major*, cases that failed to run are *critical*, and known regressions are *info*.
The report needs a file for each finding: the workload's, or the profile's. A fingerprint identifies a finding by its
case, so GitLab tells new findings from old ones. https://docs.gitlab.com/ci/testing/code_quality/
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, TextIO

import msgspec

from gilbench.model.profile_results import LimitCheck
from gilbench.model.results import Check
from gilbench.model.study import Case
from gilbench.render.check_page import failure, sections
from gilbench.render.figures import case_name, ratio_text, threads_name, verdict_text
from gilbench.render.guard import json_text, printable
from gilbench.render.limits_page import sentence

_SEVERITIES = {"regressed": "major", "known bad": "info"}


def write_gitlab(check: Check | LimitCheck, file: TextIO) -> None:
    """Write the findings of a check."""
    found = _of_limits(check) if isinstance(check, LimitCheck) else _of_check(check)
    file.write(f"{json_text(list(found))}\n")


def _of_check(check: Check) -> Iterator[dict[str, Any]]:
    for failed in check.gate.failed:
        yield _finding("failed to run", failure(failed), "critical", _place(failed.case), failed.case)
    for section in sections(check.gate):
        for item in section.items:
            row, severity = item.comparison, _SEVERITIES.get(section.status)
            if severity is None:
                continue
            name = case_name(row.case.workload, row.case.parameters)
            known = f"; known: {item.reason}" if item.reason else ""
            text = (
                f"{name} on {row.case.interpreter}, {threads_name(row.case.threads)}: "
                f"{row.metric} x {ratio_text(row)}, {verdict_text(row)}{known}"
            )
            yield _finding(row.metric, text, severity, _place(row.case), row.case)


def _of_limits(check: LimitCheck) -> Iterator[dict[str, Any]]:
    for one in check.results:
        if one.verdict == "exceeded":
            yield _finding(one.limit.metric, sentence(one), "major", check.profile, one.limit.text)


def _place(case: Case) -> str:
    return f"workloads/{case.workload}.py"


def _finding(name: str, text: str, severity: str, place: str, identity: object) -> dict[str, Any]:
    key = msgspec.json.encode((name, identity), order="deterministic")
    return {
        "description": printable(text),
        "check_name": f"gilbench: {name}",
        "fingerprint": hashlib.sha256(key).hexdigest(),
        "severity": severity,
        "location": {"path": printable(place).lstrip("/"), "lines": {"begin": 1}},
    }
