"""Results that have charts: those of the repository, and a history with a change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gilbench.analyse.study.lasting import lasting_changes
from gilbench.model.history import Entry, Point, Series, Trends
from gilbench.model.study import Case
from gilbench.work.compare import compare
from gilbench.work.read import read_result
from gilbench.work.scorecard import read_card

REFERENCE = Path(__file__).parent.parent.parent / "reports" / "reference"
LEVELS = (1.0, 1.01, 0.99, 1.0, 1.02, 0.98, 1.0, 0.97, 0.94, 0.91, 0.89, 0.90, 0.92, 0.90, 0.91, 0.89)


def history() -> Trends:
    """Two series over some commits: one got worse for good, one has few studies."""
    import numpy as np  # noqa: PLC0415

    case = Case(workload="countdown", interpreter="3.14t", threads=2, gil=False)
    one = Series(1, case, "", "3.13", "relative", "x", "higher")
    entries = [
        Entry(
            id=day + 1,
            digest=f"{day:064x}",
            moment=1767225600.0 + day * 86400,
            created="2026-01-01T00:00:00+00:00",
            commit=f"{0xC0FFEE + 7919 * day:08x}" * 5,
            branch="main",
            label=None,
            host="some CPU",
            reference_build="3.13 (CPython 3.13.5)",
        )
        for day in range(len(LEVELS))
    ]
    points = tuple(
        (entry, Point(entry.id, level, level * 0.98, level * 1.03, 5))
        for entry, level in zip(entries, LEVELS, strict=True)
    )
    changes = lasting_changes(one, entries, np.arange(len(LEVELS)), np.array(LEVELS))
    other = one._replace(id=2, metric="latency_p99", unit="s", better="lower")
    few = tuple((entry, Point(entry.id, 0.01, 0.008, 0.02, 5)) for entry in entries[:3])
    return Trends(((one, points), (other, few)), None, tuple(changes))


RESULTS: dict[str, Callable[[], object]] = {
    "quick": lambda: read_result(REFERENCE / "quick.jsonl"),
    "published": lambda: read_result(REFERENCE / "published.jsonl"),
    "newest": lambda: read_result(REFERENCE / "newest.jsonl"),
    "comparison": lambda: compare(REFERENCE / "newest.jsonl"),
    "scorecard": lambda: read_card(REFERENCE / "scorecard.jsonl"),
    "profile": lambda: read_result(REFERENCE / "newest_profile.json"),
    "history": history,
}
