"""Counted work on pages: apart from times, and in words of its own."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from checks import check, row
from golden import written
from studies import StudyBuilder, make_workload, named

from gilbench.model.results import Comparison
from gilbench.model.study import Reading
from gilbench.plan.counting import INSTRUCTIONS, METRIC
from gilbench.render.check_page import headline, sections


def counted(verdict: str, **changes: Any) -> Comparison:
    return row(
        verdict, metric=METRIC, better="lower", ratio=1.0123, lo=1.0103, hi=1.0143, threads=1, **changes
    )


def test_a_check_lists_work_in_sections_of_its_own() -> None:
    found = check(row("regressed"), counted("regressed"), counted("equivalent", workload="fibo"), row())
    assert [(one.title, len(one.items)) for one in sections(found.gate)] == [
        ("Regressed", 1),
        ("Work done (instructions, not time): regressed", 1),
        ("Equivalent", 1),
        ("Work done (instructions, not time): equivalent", 1),
    ]
    assert headline(found.gate) == "regressed: 2 of 4 comparisons, 1 of them in work done, not in time"
    page = written(found, "markdown")
    assert "1.012 (1.010-1.014)" in page
    assert "Instructions are counted, not timed: changes of at most 0.5% count as equivalent" in page
    assert "more instructions need not take more time" in page


def test_a_check_without_counts_has_no_word_of_them() -> None:
    page = written(check(row("regressed"), row()), "markdown")
    assert "nstructions" not in page
    assert "work done" not in page


def test_the_document_of_a_check_has_counted_rows_with_the_status_of_any_other() -> None:
    document = json.loads(written(check(counted("regressed")), "json"))
    assert [(one["metric"], one["status"]) for one in document["comparisons"]] == [(METRIC, "regressed")]


def test_a_study_shows_work_next_to_its_timed_speed() -> None:
    builder = StudyBuilder([named("3.11"), named("3.12")], [make_workload()])
    for name, count in (("3.11", 3.06e6), ("3.12", 4.06e6)):
        builder.work("countdown", name, 1e9 / count)
        case = builder.case("countdown", name, observers=(INSTRUCTIONS,))
        for repeat in range(3):
            reading = Reading(observer=INSTRUCTIONS, figures={METRIC: count}, samples=16, by="callgrind")
            builder.run(case, repeat, [], environment=None, readings=(reading,))
    report = builder.report()
    page = written(report, "markdown")
    title = page.index("Work done: instructions per operation, one thread")
    table = page[title:]
    assert "3.06 M ±0.2%" in table
    assert "1.33x ±0.2%" in table
    assert "0.7" in table[table.index("1.33x") :].partition("\n")[0]  # the timed speed
    assert "Not seen: memory and caches, the kernel's side of system calls, waiting, other cores" in table
    timed = tuple(cell for cell in report.cells if not cell.case.observers)
    assert "Work done" not in written(msgspec.structs.replace(report, cells=timed), "markdown")
