"""Lasting changes of a series: their studies, their direction, and what else changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gilbench.analyse.study.lasting import lasting_changes
from gilbench.model.history import Entry, Found, Series
from gilbench.model.study import Case


def entry(number: int, **changes: Any) -> Entry:
    plain = Entry(number, f"{number:064}", float(number), "", f"c{number}", "main", None, "some CPU", "3.13")
    return plain._replace(**changes)


def found(size: float = 0.9, better: str = "higher", reference: str | None = "3.13", **later: Any) -> Found:
    """The change of 20 studies after 20 studies, of which the later ones differ."""
    series = Series(1, Case(workload="w", interpreter="i", threads=1), "", reference, "m", "x", better)
    studies = [entry(number, **(later if number >= 20 else {})) for number in range(40)]
    values = np.array([1.0] * 20 + [size] * 20)
    (change,) = lasting_changes(series, studies, np.arange(40), values)
    return change


@pytest.mark.parametrize(
    ("size", "better", "said"),
    [
        (0.9, "higher", "regressed"),
        (1.1, "higher", "improved"),
        (1.1, "lower", "regressed"),
        (0.9, "lower", "improved"),
        (1.1, "neither", "changed"),
    ],
)
def test_what_is_better_depends_on_the_metric(size: float, better: str, said: str) -> None:
    assert found(size, better).verdict == said


def test_what_else_changed_is_noted() -> None:
    assert found().notes == ()
    other: dict[str, Any] = {"commit": "c19", "host": "other CPU", "reference_build": "3.13.6"}
    causes = "the same commit on both sides", "another host", "another reference build"
    assert found(**other).notes == causes
    assert found(reference=None, **other).notes == causes[:2]
    assert found(commit=None).notes == ()


def test_the_studies_around_a_change_are_those_of_the_usable_values() -> None:
    series = Series(1, Case(workload="w", interpreter="i", threads=1), "", None, "m", "s", "lower")
    studies = [entry(number) for number in range(100)]
    at = np.arange(10, 90)
    values = np.where(at < 50, 1.0, 2.0)
    values[:5], values[45] = np.inf, 0.0
    (change,) = lasting_changes(series, studies, at, values)
    assert (change.good, change.likely, change.changed) == (studies[49], studies[50], studies[50])
