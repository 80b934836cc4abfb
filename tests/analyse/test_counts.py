"""What counts say, apart from times."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from studies import StudyBuilder, cell_of, make_workload, named

from gilbench.analyse.stats.counts import COUNT_THRESHOLD, RESOLUTION, count_estimate, count_verdict
from gilbench.analyse.study.caveats import caveats
from gilbench.analyse.study.comparisons import compare_interpreters, compare_studies
from gilbench.analyse.study.counts import compare_counts
from gilbench.analyse.study.differences import differences
from gilbench.analyse.study.gate import JUDGED, decide, exit_code
from gilbench.analyse.study.report import build_report
from gilbench.model.metrics import METRICS
from gilbench.model.study import Reading, Study
from gilbench.plan.counting import INSTRUCTIONS, METRIC, RELATIVE

OLD, NEW = "3.11", "3.12"


def study(
    counts: Mapping[str, Sequence[float]], *, timed: bool = True, by: str = "callgrind", **host: Any
) -> Study:
    builder = StudyBuilder([named(name, f"{name}.1") for name in counts], [make_workload()])
    builder.host = host
    for name, values in counts.items():
        if timed:
            builder.work("countdown", name, 1000.0)
        case = builder.case("countdown", name, observers=(INSTRUCTIONS,))
        for repeat, value in enumerate(values):
            reading = Reading(observer=INSTRUCTIONS, figures={METRIC: value}, samples=16, by=by)
            builder.run(case, repeat, [], environment=None, readings=(reading,))
    return builder.study()


def verdict(*ratios: float) -> tuple[str, float, float]:
    estimate = count_estimate([math.log(ratio) for ratio in ratios])
    interval = estimate.interval()
    assert interval.lo is not None
    assert interval.hi is not None
    return count_verdict(estimate).verdict, interval.lo, interval.hi


def test_equal_repeats_have_the_resolution_as_their_interval() -> None:
    said, low, high = verdict(1.0, 1.0, 1.0)
    assert said == "equivalent"
    assert (low, high) == pytest.approx((1 / (1 + RESOLUTION), 1 + RESOLUTION))


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (1.01, "regressed"),
        (0.99, "improved"),
        (1.002, "equivalent"),
        (1.005, "inconclusive"),
        (1.0071, "regressed"),
    ],
)
def test_a_change_is_judged_by_a_threshold_of_its_own(ratio: float, said: str) -> None:
    assert COUNT_THRESHOLD == 0.005
    assert verdict(ratio, ratio, ratio)[0] == said


def test_repeats_that_differ_widen_the_interval() -> None:
    said, low, high = verdict(1.01, 1.0, 1.02)
    assert said == "inconclusive"
    assert low < 1.0
    assert high > 1.02


def test_too_few_repeats_decide_nothing() -> None:
    for logs in ([0.02], [0.02, 0.02], [0.02, math.nan, 0.02]):
        assert count_verdict(count_estimate(logs)).verdict == "inconclusive"


def test_a_study_has_the_counts_as_rows_of_their_own() -> None:
    report = build_report(study({OLD: (1e6, 1e6, 1e6), NEW: (1.1e6, 1.1e6, 1.1e6)}))
    counted = cell_of(report, metric=METRIC, interpreter=NEW)
    assert counted.value == pytest.approx(1.1e6)
    assert (counted.unit, counted.better) == ("count", "lower")
    assert cell_of(report, metric=RELATIVE, interpreter=NEW).value == pytest.approx(1.1)
    assert {cell.metric for cell in report.cells if cell.case.observers} == {METRIC, RELATIVE}
    assert "time" not in METRICS[METRIC].title


def test_hash_seeds_are_paired() -> None:
    uneven = study({OLD: (1e6, 1.05e6, 0.97e6), NEW: (1.01e6, 1.0605e6, 0.9797e6)})
    (row,) = compare_counts(uneven)
    assert row.verdict == "regressed"
    assert row.ratio == pytest.approx(1.01)


def test_counts_change_nothing_in_the_rows_of_times() -> None:
    both = {OLD: (1e6, 1e6, 1e6), NEW: (1e6, 1e6, 1e6)}
    rows = compare_interpreters(study(both))
    timed = compare_interpreters(study({OLD: (), NEW: ()}))
    assert [row for row in rows if row.metric != METRIC] == list(timed)
    assert [row.verdict for row in rows if row.metric == METRIC] == ["equivalent"]
    assert not [
        row for row in compare_interpreters(study(both), metrics={"throughput"}) if row.metric == METRIC
    ]


def test_more_work_fails_a_check_and_a_single_interpreter_is_enough() -> None:
    before = study({OLD: (1e6, 1e6, 1e6)})
    for factor, code in ((1.0, 0), (1.01, 1)):
        now = study({OLD: (factor * 1e6,) * 3})
        rows = compare_studies(before, now, metrics=JUDGED, threshold=0.02, fdr=0.05)
        (counted,) = [row for row in rows if row.metric == METRIC]
        assert counted.paired
        assert exit_code(decide([counted])) == code


def test_counts_of_two_tools_or_processors_are_not_compared() -> None:
    before = study({OLD: (1e6, 1e6, 1e6)}, by="perf")
    for other, said in (
        (study({OLD: (1e6, 1e6, 1e6)}), "counted by perf, then by callgrind"),
        (study({OLD: (1e6, 1e6, 1e6)}, by="perf", cpu_model="Other"), "different CPUs"),
        (study({OLD: ()}), "in the baseline only"),
    ):
        assert [row for row in compare_studies(before, other) if row.metric == METRIC] == []
        assert [caveat for caveat in differences(before, other) if said in caveat.text]
    simulated, other = study({OLD: (1e6,) * 3}), study({OLD: (1e6,) * 3}, cpu_model="Other")
    assert [row.metric for row in compare_studies(simulated, other) if row.metric == METRIC]


def test_a_build_that_is_not_counted_says_why() -> None:
    builder = StudyBuilder([named(OLD), named("pypy")], [make_workload()])
    nothing = Reading(observer=INSTRUCTIONS, unavailable="not counted: it compiles")
    case = builder.case("countdown", "pypy", observers=(INSTRUCTIONS,))
    builder.run(case, 0, [], environment=None, readings=(nothing,))
    (caveat,) = [one for one in caveats(builder.study()) if one.kind == "unavailable"]
    assert caveat.text == "instructions is unavailable on pypy: not counted: it compiles"


def test_a_failed_count_has_no_value() -> None:
    failed = study({OLD: (1e6, 1e6, 1e6), NEW: ()})
    empty = msgspec.structs.replace(
        failed,
        runs=tuple(run for run in failed.runs if failed.header.plan.cases[run.case].interpreter == OLD),
    )
    assert list(compare_counts(empty)) == []
