"""Which rows get a verdict: those of one block, those of two studies, and the means over families."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from studies import DRIFT, StudyBuilder, make_workload, named

from gilbench.analyse.stats.drift import FloatArray, drift_correlation
from gilbench.analyse.stats.estimates import Estimate, contrast, mean_estimate
from gilbench.analyse.stats.geomean import geometric_mean
from gilbench.analyse.stats.verdicts import verdict, verdicts
from gilbench.analyse.study.comparisons import compare_interpreters, compare_studies
from gilbench.analyse.study.differences import across_times
from gilbench.analyse.study.gate import JUDGED, decide
from gilbench.model.results import Comparison, Known
from gilbench.model.study import Study

NOISE = (1.002, 1.009, 0.992, 1.001)


def pair(rate: float = 800.0, *, hour: float = 1.0, **host: Any) -> Study:
    """Two interpreters in one hour of a host; the second one does ``rate``, the reference 1000."""
    builder = StudyBuilder([named("3.13"), named("3.13t", free_threaded=True)], [make_workload()])
    builder.host = host
    builder.work("countdown", "3.13", 1000.0 * hour)
    builder.work("countdown", "3.13t", rate * hour, noise=NOISE)
    return builder.study()


def lone(rate: float = 1000.0) -> Study:
    builder = StudyBuilder([named("3.13")], [make_workload()])
    builder.work("countdown", "3.13", rate, noise=NOISE)
    return steady(builder.study())


def steady(study: Study) -> Study:
    """Take the drift of the host out of a study, so that its absolute values look certain."""
    runs = [
        msgspec.structs.replace(
            run,
            slices=tuple(
                msgspec.structs.replace(one, operations=one.operations / DRIFT[run.block])
                for one in run.slices
            ),
        )
        for run in study.runs
    ]
    return msgspec.structs.replace(study, runs=tuple(runs))


# --- two studies ----------------------------------------------------------------------------------------


def test_a_slow_hour_changes_no_verdict() -> None:
    rows = compare_studies(pair(), pair(hour=0.7), metrics=JUDGED)
    assert {one.case.interpreter for one in rows} == {"3.13t"}
    assert all(one.paired and one.verdict == "equivalent" for one in rows)


def test_a_regression_is_seen_through_a_fast_hour() -> None:
    (row,) = compare_studies(pair(), pair(700.0, hour=1.5), metrics=JUDGED)
    assert row.verdict == "regressed"
    assert row.ratio == pytest.approx(7 / 8, rel=0.01)


@pytest.mark.parametrize(
    ("rate", "risked"), [(800.0, "regressed"), (1000.0, "equivalent"), (1200.0, "improved")]
)
def test_without_a_common_reference_nothing_is_decided_unless_the_risk_is_taken(
    rate: float, risked: str
) -> None:
    (row,) = compare_studies(lone(), lone(rate), metrics=JUDGED)
    assert (row.paired, row.verdict, row.reason, row.blocks_needed) == (
        False,
        "inconclusive",
        "unpaired",
        None,
    )
    assert row.ratio == pytest.approx(rate / 1000.0)
    assert row.lo is not None
    (judged,) = compare_studies(lone(), lone(rate), metrics=JUDGED, allow_unpaired=True)
    assert (judged.paired, judged.verdict, judged.reason) == (False, risked, None)
    assert (judged.lo, judged.ratio, judged.hi) == (row.lo, row.ratio, row.hi)


def test_another_build_of_the_reference_is_no_common_reference() -> None:
    builder = StudyBuilder([named("3.13", "3.13.6"), named("3.13t", free_threaded=True)], [make_workload()])
    builder.work("countdown", "3.13", 1000.0)
    builder.work("countdown", "3.13t", 400.0, noise=NOISE)
    rows = compare_studies(pair(), builder.study(), metrics=JUDGED)
    assert {(one.case.interpreter, one.verdict, one.reason) for one in rows} == {
        ("3.13", "inconclusive", "unpaired"),
        ("3.13t", "inconclusive", "unpaired"),
    }


@pytest.mark.parametrize("host", [{"cpu_model": "Other CPU"}, {"cores": 64}, {"machine": "aarch64"}])
def test_a_ratio_from_another_host_is_not_judged_unless_the_risk_is_taken(host: dict[str, Any]) -> None:
    (row,) = compare_studies(pair(), pair(700.0, **host), metrics=JUDGED)
    assert (row.paired, row.verdict, row.reason) == (True, "inconclusive", "other host")
    (judged,) = compare_studies(pair(), pair(700.0, **host), metrics=JUDGED, allow_unpaired=True)
    assert judged.verdict == "regressed"


def test_another_kernel_is_the_same_host() -> None:
    (row,) = compare_studies(pair(), pair(700.0, kernel="6.2.0", memory=4 << 30), metrics=JUDGED)
    assert row.verdict == "regressed"


def test_a_row_that_may_not_be_judged_is_no_comparison_among_many() -> None:
    """Rows without a verdict must not cost the others their power."""
    workloads = [make_workload(f"w{number}") for number in range(40)]

    def study(rate: float, only: Sequence[str]) -> Study:
        builder = StudyBuilder([named("3.13"), named("3.13t", free_threaded=True)], workloads)
        for workload in workloads:
            if workload.name in only:
                builder.work(workload.name, "3.13", 1000.0)
            builder.work(workload.name, "3.13t", rate, noise=(1.01, 0.99, 1.02, 0.98))
        return builder.study()

    rows = compare_studies(study(800.0, ["w0"]), study(720.0, ["w0"]), metrics=["throughput"])
    assert len(rows) == 40
    assert [row.case.workload for row in rows if row.verdict == "regressed"] == ["w0"]


def test_rows_across_times_and_hosts_are_explained() -> None:
    def said(before: Study, now: Study, *, allowed: bool = False) -> list[tuple[str, str, bool]]:
        rows = compare_studies(before, now, metrics=JUDGED, allow_unpaired=allowed)
        found = across_times(before, now, rows, allow_unpaired=allowed)
        return [
            (one.kind, one.text.rpartition("; ")[2], "--allow-unpaired" in str(one.next)) for one in found
        ]

    assert said(pair(), pair()) == []
    assert said(lone(), lone()) == [("unpaired", "they are at most inconclusive", True)]
    assert said(pair(), pair(cores=3)) == [("other_host", "they are at most inconclusive", True)]
    assert said(lone(), lone(), allowed=True) == [("unpaired", "their verdicts are often wrong", False)]


# --- what arrives on schedule ---------------------------------------------------------------------------


def test_scheduled_work_without_a_load_generator_is_compared_across_studies() -> None:
    """The same metrics as within a study: whatever was offered counts, not who offered it."""
    cpued = make_workload("cpued", "mixed", driver="inside", peer=None, scheduled=True)

    def study(*names: str) -> Study:
        builder = StudyBuilder([named(name) for name in names], [cpued])
        for name in names:
            builder.serve("cpued", name, [1e-3 * (1 + number / 50) for number in range(20)])
        return builder.study()

    within = {row.metric for row in compare_interpreters(study("3.13", "3.14")) if "late" in row.metric}
    across = {row.metric for row in compare_studies(study("3.13"), study("3.13"))}
    assert within == {"latency_p50", "latency_p99"}
    assert across == {*within, "delivered"}


def test_a_service_without_scheduled_requests_has_no_latency_to_compare() -> None:
    builder = StudyBuilder([named("3.13")], [make_workload("echo", "io")])
    builder.work("echo", "3.13", 1000.0)
    study = builder.study()
    assert {row.metric for row in compare_studies(study, study)} == {"throughput"}


# --- means over families --------------------------------------------------------------------------------


def family(noises: Sequence[Sequence[float]], *, blocks: int = 4) -> Study:
    """A candidate whose ratio to the reference is known for each workload and block."""
    workloads = [make_workload(f"w{number}") for number in range(len(noises))]
    builder = StudyBuilder([named("3.13"), named("3.14")], workloads, blocks=blocks)
    for workload, noise in zip(workloads, noises, strict=True):
        builder.work(workload.name, "3.13", 1000.0, noise=(1.0,) * blocks)
        builder.work(workload.name, "3.14", 1000.0, noise=noise)
    return builder.study()


def split(rows: Sequence[Comparison]) -> tuple[list[Comparison], list[Comparison]]:
    return [row for row in rows if not row.is_mean], [row for row in rows if row.is_mean]


SHARED = (0.89, 0.93, 0.86, 0.90)
OWN = ((1.10, 0.90, 0.99, 1.01), (0.91, 1.10, 1.01, 0.98), (0.99, 1.01, 1.0, 1.01))


def shared_noise() -> Study:
    """Noise that all workloads of a block share, and own noise that cancels over the workloads."""
    return family([[one * own for one, own in zip(SHARED, mine, strict=True)] for mine in OWN[:2]])


def test_a_mean_has_no_verdict_that_none_of_its_workloads_has() -> None:
    study = shared_noise()
    rows, (mean,) = split(compare_interpreters(study, metrics=["throughput"]))
    alone = verdict(geometric_mean([np.log(SHARED).tolist()] * 2), "higher")
    assert alone.verdict == "regressed"  # what the mean would say by itself
    assert {row.verdict for row in rows} == {"inconclusive"}
    assert (mean.verdict, mean.reason, mean.blocks_needed) == ("inconclusive", "no workload agrees", None)
    assert mean.hi is not None
    assert mean.hi < 0.98


def test_a_mean_confirms_its_workloads() -> None:
    rows, (mean,) = split(compare_interpreters(family([SHARED, SHARED, OWN[2]]), metrics=["throughput"]))
    assert [row.verdict for row in rows][:2] == ["regressed", "regressed"]
    assert mean.verdict == "regressed"
    assert mean.ratio == pytest.approx(0.895 ** (2 / 3), rel=0.01)


def test_changes_that_cancel_are_not_called_equivalent() -> None:
    up, down = [1.1 * one for one in NOISE], [one / 1.1 for one in NOISE]
    rows, (mean,) = split(compare_interpreters(family([up, down]), metrics=["throughput"]))
    assert {row.verdict for row in rows} == {"improved", "regressed"}
    assert (mean.verdict, mean.reason) == ("inconclusive", "no workload agrees")


def test_a_mean_never_decides_a_check() -> None:
    known = [Known(reason="issue 1", workload="w*")]
    regressed = compare_interpreters(family([SHARED, SHARED]), metrics=["throughput"])
    assert [row.verdict for row in regressed] == ["regressed"] * 3
    gate = decide(regressed, known)
    assert (gate.verdict, len(gate.known_bad), len(gate.summary)) == ("pass", 2, 1)
    gate = decide(compare_interpreters(shared_noise(), metrics=["throughput"]))
    assert (gate.verdict, len(gate.inconclusive), len(gate.summary)) == ("inconclusive", 2, 1)
    assert decide([regressed[-1]]).verdict == "inconclusive"  # it is no comparison


def test_a_mean_knows_the_drift_between_blocks() -> None:
    drifting = [[0.90, 0.92, 0.94, 1.02, 1.05, 1.06]] * 5
    _, (mean,) = split(compare_interpreters(family(drifting, blocks=6), metrics=["throughput"]))
    plain = geometric_mean(np.log(drifting).tolist()).interval()
    assert mean.ratio == pytest.approx(plain.value)
    assert mean.lo is not None
    assert plain.lo is not None
    assert mean.lo < plain.lo * 0.99


# --- how often an interpreter fails against itself: see the tables in ``comparisons`` ------------------------


def shared(rng: np.random.Generator, sd: float, blocks: int, correlation: float) -> FloatArray:
    """AR(1) noise over blocks."""
    found = [rng.normal(0, sd)]
    while len(found) < blocks:
        found.append(correlation * found[-1] + rng.normal(0, sd * math.sqrt(1 - correlation**2)))
    return np.array(found)


def simulated(rng: np.random.Generator, rows: int, blocks: int) -> tuple[list[Estimate], Estimate]:
    common = shared(rng, 0.1, blocks, 0.5)
    logs = common + rng.normal(0, 0.05, (rows, blocks))
    correlation = float(drift_correlation(list(logs)))
    return [mean_estimate(one, correlation=correlation) for one in logs], geometric_mean(logs.tolist())


def test_a_mean_by_itself_would_fail_more_checks_of_an_interpreter_against_itself() -> None:
    rng, studies = np.random.default_rng(4), 1500
    red = {"rows": 0, "rows or mean": 0}
    for _ in range(studies):
        rows, mean = simulated(rng, 10, 5)
        by_row = any(one.verdict == "regressed" for one in verdicts(rows, ["higher"] * 10))
        red["rows"] += by_row
        red["rows or mean"] += by_row or verdict(mean, "higher").verdict == "regressed"
    assert 0.02 * studies < red["rows"] < 0.05 * studies
    assert 1.5 * red["rows"] < red["rows or mean"] < 0.1 * studies


def test_unpaired_rows_would_fail_a_third_of_the_checks_of_an_interpreter_against_itself() -> None:
    rng, studies, red = np.random.default_rng(5), 400, 0
    for _ in range(studies):
        hour = rng.normal(0, 0.1)
        sides = [[mean_estimate(rng.normal(at, 0.025, 5).tolist()) for _ in range(3)] for at in (0.0, hour)]
        rows = [contrast(now, before) for before, now in zip(*sides, strict=True)]
        red += any(one.verdict == "regressed" for one in verdicts(rows, ["higher"] * 3))
    assert 0.22 * studies < red < 0.4 * studies
