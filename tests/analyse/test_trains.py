"""Ratios by the short slices of a train."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from studies import make_header, make_plan, make_profile, make_slice, make_train, make_workload, named

from gilbench.analyse.stats.trains import TrainRatio, has_pauses, train_ratio
from gilbench.analyse.study.caveats import caveats
from gilbench.analyse.study.comparisons import compare_interpreters
from gilbench.analyse.study.report import build_report
from gilbench.model.study import Case, Run, Study, Train

MS = 1_000_000
FloatArray = NDArray[np.float64]


def test_the_ratio_is_that_of_operations_per_time() -> None:
    ratio = train_ratio(make_train([2 * MS] * 10, loops=4), make_train([MS] * 10, loops=3))
    assert ratio.typical == pytest.approx(math.log(4 / 3 / 2))
    assert ratio.total == pytest.approx(ratio.typical)


def _train(lengths: FloatArray, stolen: FloatArray | float = 0.0) -> Train:
    """A train whose slices were interrupted for some time."""
    return make_train(
        (lengths + stolen).astype(int).tolist(), cpu_nanoseconds=tuple(lengths.astype(int).tolist())
    )


def test_drift_and_disturbances_of_the_host_do_not_move_the_typical_ratio() -> None:
    rng = np.random.default_rng(1)
    drift = np.exp(np.cumsum(rng.normal(0, 0.05, 80)))
    ours, theirs = MS * drift, 1.1 * MS * drift
    ours[rng.choice(80, 12, replace=False)] += 20 * MS  # of CPU time: by the hypervisor
    ratio = train_ratio(_train(ours), _train(theirs))
    assert ratio.typical == pytest.approx(math.log(1.1), abs=1e-4)
    assert ratio.total < 0


def test_laps_with_an_interrupted_slice_do_not_count_if_there_are_others() -> None:
    rng = np.random.default_rng(1)
    stolen = 3 * MS * (rng.random((2, 80)) < 0.4)
    ratio = train_ratio(_train(np.full(80, 1.0 * MS), stolen[0]), _train(np.full(80, 1.1 * MS), stolen[1]))
    assert ratio.typical == pytest.approx(math.log(1.1))
    assert ratio.total == pytest.approx(math.log(1.1))


def test_operations_that_block_are_not_interrupted_by_others() -> None:
    waiting = make_train([3 * MS, 5 * MS, 3 * MS, 5 * MS], cpu_nanoseconds=(MS,) * 4)
    other = make_train([3 * MS] * 4, cpu_nanoseconds=(MS,) * 4)
    assert train_ratio(waiting, other).total == pytest.approx(math.log(12 / 16))


def test_a_train_that_is_shorter_is_compared_by_the_laps_of_both() -> None:
    assert train_ratio(make_train([MS] * 4), make_train([MS] * 8)) == TrainRatio(0.0, 0.0)


def _ratios(pause: float, seed: int = 2) -> list[TrainRatio]:
    """Twelve blocks of a host that steals; the candidate pauses for a share of its time, in one slice of twenty."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(12):
        sides = MS * rng.normal(1, 0.01, (2, 80))
        sides += MS * 5 * (rng.random((2, 80)) < 0.02)
        sides[0, ::20] += 20 * pause * MS
        found.append(train_ratio(_train(sides[0]), _train(sides[1])))
    return found


def test_pauses_of_its_own_are_told_from_stolen_time() -> None:
    assert has_pauses(_ratios(pause=0.2))
    found = sum(has_pauses(_ratios(pause=0.0, seed=seed)) for seed in range(200))
    assert found <= 0.05 * 200


def test_few_blocks_show_no_pauses() -> None:
    assert not has_pauses(_ratios(pause=0.2)[:2])


def _study(pause: float) -> Study:
    """Two interpreters of equal speed in long slices; the candidate's short ones are 10% shorter, but it pauses."""
    rng = np.random.default_rng(3)
    cases = [Case(workload="countdown", interpreter=name, threads=1) for name in ("3.13", "3.14")]
    plan = make_plan(cases, effort=make_profile(blocks=12, long_every=2, train_seconds=0.08))
    runs = []
    for block in range(12):
        sides = MS * rng.normal(1, 0.005, (2, 80))
        sides[1] /= 1.1
        sides[1, ::20] += 20 * pause * MS
        for index in range(2):
            train: Train = make_train(sides[index].astype(int).tolist())
            slices = () if block % 2 else (make_slice(0, 1000.0 * rng.normal(1, 0.001)),)
            runs.append(Run(case=index, block=block, attempt=0, slices=slices, train=train))
    header = make_header(plan, [named("3.13"), named("3.14", "3.14.0")], [make_workload()])
    return Study(header=header, runs=tuple(runs))


def test_one_thread_is_compared_by_its_trains_in_all_blocks() -> None:
    row = next(row for row in compare_interpreters(_study(pause=0.0)) if row.metric == "throughput")
    assert row.ratio == pytest.approx(1.1, abs=0.005)
    assert (row.blocks, row.verdict) == (12, "improved")
    cells = {
        cell.metric: cell for cell in build_report(_study(pause=0.0)).cells if cell.case.interpreter == "3.14"
    }
    assert cells["relative"].value == pytest.approx(1.1, abs=0.005)
    assert cells["throughput"].value == pytest.approx(1000, rel=0.01)
    assert cells["throughput"].blocks == 6


def test_the_throughput_of_an_interpreter_with_pauses_is_that_of_all_its_time() -> None:
    study = _study(pause=0.3)
    row = next(row for row in compare_interpreters(study) if row.metric == "throughput")
    assert row.ratio == pytest.approx(1 / (1 / 1.1 + 0.3), abs=0.005)
    [caveat] = [caveat for caveat in caveats(study) if caveat.kind == "pauses"]
    assert caveat.subject == "countdown"
    assert "pauses" not in {caveat.kind for caveat in caveats(_study(pause=0.0))}


def test_a_report_says_how_long_its_slices_were() -> None:
    short = build_report(_study(pause=0.0)).short_slices
    assert short is not None
    assert (short.count, short.handover) == (80, 1e-5)
    assert short.seconds == pytest.approx(0.95e-3, rel=0.05)
