"""Sections of sentences: findings, warnings, and next steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gilbench.model.results import Caveat, Finding
from gilbench.render.page import Sentences


def remarks(findings: Sequence[Finding], caveats: Sequence[Caveat]) -> Iterator[Sentences]:
    """Yield findings, warnings, and each next step once."""
    remarks_: tuple[Finding | Caveat, ...] = (*findings, *caveats)
    steps = dict.fromkeys(one.next for one in remarks_ if one.next)
    if findings:
        yield Sentences("Findings", tuple(finding.text for finding in findings), rank=3)
    if caveats:
        yield Sentences("Warnings", tuple(caveat.text for caveat in caveats), "warning", rank=2)
    if steps:
        yield Sentences("Next steps", tuple(steps))
