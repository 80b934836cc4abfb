from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from studies import StudyBuilder, cells_of, make_slice, make_workload, named

from gilbench.analyse.stats.scaling import fairness, fit_laws, predicted, start_skew
from gilbench.model.study import Slice


def shared_out(*shares: float) -> Slice:
    slice_ = make_slice(threads=len(shares))
    threads = [
        msgspec.structs.replace(thread, operations=share, start=100.0 + number)
        for number, (thread, share) in enumerate(zip(slice_.threads, shares, strict=True))
    ]
    return msgspec.structs.replace(slice_, threads=tuple(threads))


def test_even_shares_are_fair_and_one_thread_doing_it_all_is_not() -> None:
    assert fairness(shared_out(5, 5, 5, 5)) == pytest.approx(1)
    assert fairness(shared_out(20, 0, 0, 0)) == pytest.approx(1 / 4)
    assert fairness(shared_out(3, 1)) == pytest.approx(16 / 20)


def test_start_skew_is_from_the_first_start_to_the_last() -> None:
    assert start_skew(shared_out(1, 1, 1)) == pytest.approx(2)


def test_perfect_scaling_has_neither_contention_nor_coherence() -> None:
    assert fit_laws({2: 2, 4: 4, 8: 8}, cores=8) == pytest.approx((0, 0, 0), abs=1e-9)


def test_work_behind_one_lock_is_all_serial() -> None:
    serial, sigma, kappa = fit_laws({2: 1, 4: 1, 8: 1}, cores=8)
    assert (serial, sigma, kappa) == pytest.approx((1, 1, 0), abs=1e-9)


def test_threads_beyond_the_cores_are_not_taken_for_contention() -> None:
    assert fit_laws({2: 2, 4: 2, 8: 2}, cores=2) == pytest.approx((0, 0, 0), abs=1e-9)


@given(sigma=st.floats(0, 0.9), kappa=st.floats(0, 0.05))
def test_the_parameters_of_the_law_come_back(sigma: float, kappa: float) -> None:
    speedups = {n: n / (1 + sigma * (n - 1) + kappa * n * (n - 1)) for n in (2, 4, 8, 16)}
    assert fit_laws(speedups, cores=16)[1:] == pytest.approx((sigma, kappa), abs=1e-6)


@pytest.mark.parametrize("cores", [2, 4, 64])
@given(sigma=st.floats(0, 2), kappa=st.floats(0, 0.2))
def test_each_loss_is_predicted_on_all_cpus(cores: int, sigma: float, kappa: float) -> None:
    threads = 2 * cores
    speedups = {
        n: min(n, cores) / (1 + sigma * (min(n, cores) - 1) + kappa * n * (n - 1)) for n in (cores, threads)
    }
    kept = [math.exp(log) for log in predicted(speedups, cores)]
    assert kept == pytest.approx(
        [1 / (1 + sigma * (cores - 1)), 1 / (1 + kappa * threads * (threads - 1))], rel=1e-6
    )


def test_the_old_gil_is_recognized_on_64_cpus_where_its_kappa_is_small() -> None:
    old = {64: 0.45, 128: 0.40}
    assert fit_laws(old, cores=64)[2] < 0.002
    assert math.exp(predicted(old, 64).coherency) < 0.1


def test_an_unknown_speedup_makes_the_prediction_unknown() -> None:
    assert all(map(math.isnan, predicted({2: math.nan, 4: 1.0}, 2)))
    assert math.isnan(predicted({2: 1.0, 4: 2.5}, 2).coherency), (
        "more than four threads could gain on two CPUs"
    )


def test_the_laws_are_fitted_from_three_thread_counts_on() -> None:
    builder = StudyBuilder([named("3.13t")], [make_workload()])
    for threads, rate in ((1, 1000), (2, 2000)):
        builder.work("countdown", "3.13t", rate, threads=threads)
    assert not cells_of(builder.report(), metric="contention")
    builder.work("countdown", "3.13t", 2000, threads=4)
    (cell,) = cells_of(builder.report(), metric="serial_part")
    assert cell.case.threads == 4
    assert cell.value == pytest.approx(0, abs=0.05)
