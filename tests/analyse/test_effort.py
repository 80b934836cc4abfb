from __future__ import annotations

import msgspec
import pytest
from studies import StudyBuilder, make_workload, named

from gilbench.analyse.stats.sequential import LOOKS
from gilbench.analyse.study.effort import undecided
from gilbench.model.study import Case, Header, Run, Study
from gilbench.plan.blocks import Group
from gilbench.work.measure import Allotment, _Budget

CLEAR, OPEN = make_workload("clear"), make_workload("open")


def builder() -> StudyBuilder:
    """One workload on which the candidate is twice as fast, and one on which the blocks disagree."""
    made = StudyBuilder([named("3.13"), named("3.14")], [CLEAR, OPEN], blocks=5)
    for workload in (CLEAR, OPEN):
        made.work(workload.name, "3.13", 1000)
    made.work("clear", "3.14", 2000)
    made.work("open", "3.14", 1000, noise=[0.7, 1.4, 0.8, 1.3, 1.0])
    return made


def test_a_workload_with_an_inconclusive_comparison_is_undecided() -> None:
    assert {case.workload for case in undecided(builder().study())} == {"open"}


def test_a_workload_of_which_nothing_was_compared_is_undecided() -> None:
    made = builder()
    made.runs = [run for run in made.runs if made.cases[run.case].workload == "open"]
    assert {case.workload for case in undecided(made.study())} == {"clear", "open"}


class Clock:
    """The time of the measuring module."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("gilbench.work.measure.time", clock)
    return clock


def budgeted(seconds: float | None) -> tuple[Header, tuple[Run, ...]]:
    study = builder().study()
    plan = msgspec.structs.replace(study.header.plan, budget=seconds)
    return msgspec.structs.replace(study.header, plan=plan), study.runs


def group(header: Header, block: int, workload: str) -> Group:
    cases = header.plan.cases
    return Group(
        block, workload, tuple(index for index, case in enumerate(cases) if case.workload == workload)
    )


def test_after_the_first_look_only_the_undecided_get_another_block(clock: Clock) -> None:
    header, runs = budgeted(100)
    budget = _Budget(header, runs)
    assert len(budget.choose(group(header, LOOKS[0] - 1, "clear")).cases) == 2
    assert len(budget.choose(group(header, LOOKS[0], "open")).cases) == 2
    assert not budget.choose(group(header, LOOKS[0], "clear")).cases
    assert clock.now == 0


def test_between_two_looks_the_same_cases_go_on_and_a_resumed_study_agrees(clock: Clock) -> None:
    header, runs = budgeted(100)
    seen: list[int] = []

    def look(study: Study) -> frozenset[Case]:
        seen.append(max(run.block for run in study.runs))
        return frozenset(case for case in header.plan.cases if case.workload == "open")

    allotment = Allotment((2, 4), look)
    for earlier in (runs[: len(runs) // 2], runs):  # blocks are measured while it is at work, or before
        budget = _Budget(header, earlier, allotment)
        for block in (2, 3):
            assert not budget.choose(group(header, block, "clear")).cases
            assert len(budget.choose(group(header, block, "open")).cases) == 2
    assert seen == [1, 1]
    budget.choose(group(header, 4, "open"))
    assert seen == [1, 1, 3]
    assert clock.now == 0


def test_no_block_is_begun_that_would_not_end_in_time(clock: Clock) -> None:
    header, runs = budgeted(10)
    budget = _Budget(header, runs)
    assert budget.choose(group(header, 0, "open")).cases
    clock.now = 6.0  # so long took that block
    assert not budget.choose(group(header, 1, "open")).cases


def test_without_a_budget_every_block_is_run(clock: Clock) -> None:
    header, runs = budgeted(None)
    budget = _Budget(header, runs)
    clock.now = 1e9
    every = group(header, 150, "clear")
    assert budget.choose(every) == every


def test_progress_is_of_the_time_where_there_is_a_budget(clock: Clock) -> None:
    budget = _Budget(*budgeted(10))
    clock.now = 4.0
    assert budget.share(0.01) == pytest.approx(0.4)
    assert _Budget(*budgeted(None)).share(0.01) == 0.01
