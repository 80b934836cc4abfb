from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from studies import StudyBuilder, make_workload, named

from gilbench.analyse.selftest import simulated_checks
from gilbench.analyse.stats import simulate_budget as simulation
from gilbench.analyse.stats.estimates import Estimate, mean_estimate
from gilbench.analyse.stats.sequential import LOOKS, looks_paid
from gilbench.analyse.stats.simulate_budget import BudgetSetting, simulate_budget
from gilbench.analyse.stats.verdicts import blocks_needed, margin, verdict
from gilbench.analyse.study.caveats import caveats
from gilbench.analyse.study.comparisons import compare_interpreters, compare_studies
from gilbench.analyse.study.report import build_report
from gilbench.model.study import Study

NOISE = [0.99, 1.01, 0.995, 1.02, 0.99, 1.0]


def study(budget: float | None, blocks: int = 6) -> Study:
    made = StudyBuilder([named("3.13"), named("3.14")], [make_workload()], blocks=blocks)
    made.work("countdown", "3.13", 1000)
    made.work("countdown", "3.14", 1040, noise=NOISE[:blocks])
    measured = made.study()
    plan = msgspec.structs.replace(measured.header.plan, budget=budget)
    return msgspec.structs.replace(measured, header=msgspec.structs.replace(measured.header, plan=plan))


def width(row: object) -> float:
    lo, hi = row.lo, row.hi  # type: ignore[attr-defined]
    return float(hi - lo)


def test_every_look_costs_more_than_one_and_later_ones_cost_more() -> None:
    costs = [looks_paid(blocks) for blocks in (1, *LOOKS)]
    assert costs[0] == costs[1] > 1
    assert all(earlier < later for earlier, later in pairwise(costs[1:]))


def test_looks_widen_the_interval_and_can_undo_a_verdict() -> None:
    alone = mean_estimate([0.03, 0.025, 0.04, 0.035, 0.05, 0.026])
    grown = msgspec.structs.replace(alone, looks=looks_paid(46))
    assert width(grown.interval()) > 1.3 * width(alone.interval())
    assert verdict(alone, "higher").verdict == "improved"
    assert verdict(grown, "higher").verdict == "inconclusive"
    flat = Estimate(value=0.0, error=0.007, freedom=9, blocks=10)
    assert verdict(flat, "higher").verdict == "equivalent"
    assert verdict(msgspec.structs.replace(flat, looks=3.0), "higher").verdict == "inconclusive"


def test_a_verdict_that_pays_for_looks_agrees_with_its_interval_and_needs_more_blocks() -> None:
    limit = margin(0.02, "ratio")
    for value in (0.03, 0.035, 0.04, 0.05, 0.06):
        row = Estimate(value=value, error=0.006, freedom=9, blocks=10, looks=2.5)
        lo = row.interval().lo
        assert lo is not None
        assert (verdict(row, "higher").verdict == "improved") == (lo > 1.02)
    row = Estimate(value=0.04, error=0.01, freedom=9, blocks=10)
    fewer, more = (
        blocks_needed(msgspec.structs.replace(row, looks=looks), limit, 0.05) for looks in (1.0, 3.0)
    )
    assert fewer is not None
    assert more is not None
    assert fewer < more


def test_every_result_of_a_study_with_a_budget_pays_for_its_looks_and_the_page_says_so() -> None:
    planned, grown = study(None), study(60.0)
    rows = [compare_interpreters(one)[0] for one in (planned, grown)]
    assert rows[0].ratio == rows[1].ratio
    assert width(rows[1]) > width(rows[0])
    cells = [{cell.metric: cell for cell in build_report(one).cells} for one in (planned, grown)]
    for metric in ("throughput", "relative"):
        assert width(cells[1][metric]) > width(cells[0][metric])
    across = [compare_studies(planned, one)[0] for one in (planned, grown)]
    assert width(across[1]) > width(across[0])
    assert "budget" not in {caveat.kind for caveat in caveats(planned)}
    assert "budget" in {caveat.kind for caveat in caveats(grown)}


def test_a_case_in_every_other_block_pays_for_the_looks_at_the_study() -> None:
    grown = study(60.0)
    runs = tuple(msgspec.structs.replace(run, block=4 * run.block) for run in grown.runs)
    sparse = msgspec.structs.replace(grown, runs=runs)
    assert width(compare_interpreters(sparse)[0]) > width(compare_interpreters(grown)[0])


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("end", [10, 40])
def test_a_change_at_the_threshold_is_rarely_called_and_is_covered(every: int, end: int) -> None:
    rates = simulate_budget(BudgetSetting(noise="independent", end=end, every=every, effect=0.02))
    assert rates.false_positive_rate.hi <= 0.055
    assert 0.93 <= rates.coverage.value <= 0.975


def test_rows_that_stopped_early_are_covered_and_effects_are_found() -> None:
    mixed = simulate_budget(BudgetSetting(noise="between-process", end=40, spread=0.05))
    assert mixed.coverage_early is not None
    assert mixed.coverage_late is not None
    assert min(mixed.coverage.value, mixed.coverage_early.value, mixed.coverage_late.value) >= 0.93
    found = simulate_budget(BudgetSetting(noise="independent", end=20, effect=0.05))
    assert found.power is not None
    assert found.power.value > 0.95
    assert found.blocks < 12


def test_looks_that_are_not_paid_for_call_far_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "LOOKS", range(4, 200))
    monkeypatch.setattr(simulation, "looks_paid", lambda _blocks: 1.0)
    rates = simulate_budget(BudgetSetting(noise="independent", end=60, effect=0.02, studies=500))
    assert rates.false_positive_rate.lo > 0.08
    assert rates.coverage.hi < 0.88


def test_too_few_blocks_cannot_be_simulated() -> None:
    with pytest.raises(ValueError, match="invalid setting"):
        simulate_budget(BudgetSetting(noise="independent", end=4, every=2))


def test_the_selftest_keeps_its_promises_of_budgets() -> None:
    promises = [one for one in simulated_checks(400) if one.name.startswith("budget")]
    assert {one.figure for one in promises} == {"false_positive_rate", "coverage", "power"}
    assert all(one.holds for one in promises if one.promised)
    assert sum(one.promised is not None for one in promises) == 25
