"""Code layout in the verdicts on rebuilt interpreters: what is a change of the code, and what may be none."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from studies import StudyBuilder, make_workload, named

from gilbench.analyse.stats.estimates import Estimate, unknown
from gilbench.analyse.stats.layout import LAYOUT_FREEDOM, allow_for_layout, mean_sd, of_code
from gilbench.analyse.stats.simulate import Setting, layout_effects, simulate
from gilbench.analyse.stats.verdicts import verdict
from gilbench.analyse.study.comparisons import compare_interpreters
from gilbench.analyse.study.layout import SMALL, small_changes, small_ratios
from gilbench.analyse.study.report import build_report
from gilbench.model.results import Comparison
from gilbench.model.study import Study

STEADY = (1.0, 1.001, 0.999, 1.0005)


def estimate(percent: float, error: float = 0.002, blocks: int = 12) -> Estimate:
    return Estimate(value=math.log1p(percent / 100), error=error, freedom=blocks - 1.0, blocks=blocks)


def test_two_layouts_add_two_variances() -> None:
    error, freedom = allow_for_layout(np.array([0.01, 0.0]), np.array([9.0, 9.0]), 0.01)
    assert error == pytest.approx([math.sqrt(3e-4), math.sqrt(2e-4)])
    assert freedom[1] == pytest.approx(LAYOUT_FREEDOM)
    assert min(9.0, LAYOUT_FREEDOM) < freedom[0] < 9.0 + LAYOUT_FREEDOM


def test_without_layout_an_estimate_stays_as_it_is() -> None:
    assert of_code(estimate(-4), 0.0) == estimate(-4)
    doubtful = unknown(2, "too few blocks", "ratio", value=0.1)
    assert of_code(doubtful, 0.01) is doubtful


@pytest.mark.parametrize(
    ("percent", "of_binaries", "of_sources"),
    [(-4, "regressed", "inconclusive"), (4, "improved", "inconclusive"), (-15, "regressed", "regressed")],
)
def test_a_small_change_of_a_rebuilt_binary_is_none_of_its_code(
    percent: float, of_binaries: str, of_sources: str
) -> None:
    assert verdict(estimate(percent), "higher").verdict == of_binaries
    assert verdict(of_code(estimate(percent), 0.01), "higher").verdict == of_sources


def test_more_blocks_are_not_suggested_for_what_they_cannot_decide() -> None:
    said = verdict(of_code(estimate(-4), 0.01), "higher")
    assert (said.reason, said.blocks_needed) == ("code layout", None)
    noisy = verdict(of_code(estimate(-4, error=0.02), 0.001), "higher")
    assert noisy.reason == "interval too wide"


def test_layout_needs_more_blocks_than_noise_alone() -> None:
    noisy = estimate(-15, error=0.06, blocks=4)
    alone, both = (verdict(one, "higher").blocks_needed for one in (noisy, of_code(noisy, 0.02)))
    assert alone is not None
    assert both is not None
    assert both > alone


def test_the_mean_of_a_family_has_less_of_it() -> None:
    assert mean_sd(0.01, 1) == pytest.approx(0.01)
    assert mean_sd(0.01, 100) < mean_sd(0.01, 10) < 0.01


# --- simulated rebuilds ---------------------------------------------------------------------------------


def test_layout_effects_have_the_spread_that_their_name_says() -> None:
    effects = layout_effects(0.01, np.random.default_rng(1), (4000, 30))
    assert np.sqrt(np.mean(effects**2)) == pytest.approx(math.sqrt(2) * 0.01, rel=0.03)


@pytest.mark.parametrize("layout", [0.01, 0.02])
def test_harmless_rebuilds_fail_checks_only_if_layout_is_ignored(layout: float) -> None:
    ignored = Setting(noise="between-process", blocks=10, rows=30, layout=layout, studies=600, seed=1)
    allowed = simulate(msgspec.structs.replace(ignored, allowed=layout))
    assert simulate(ignored).false_positive_rate.lo > 0.2
    assert allowed.false_positive_rate.hi <= 0.08
    assert 0.93 <= allowed.coverage.value <= 0.97


# --- studies --------------------------------------------------------------------------------------------


def study(rate: float, *, same_file: bool = False) -> Study:
    """Two builds of 3.13; the second one does ``rate`` with one thread and with two, the first 1000."""
    old, new = named("3.13"), named("3.13#2")
    if same_file:
        new = msgspec.structs.replace(new, binary=old.binary)
    builder = StudyBuilder([old, new], [make_workload(), make_workload("fibo")])
    for workload in ("countdown", "fibo"):
        for threads in (1, 2):
            builder.work(workload, "3.13", 1000.0, threads=threads, noise=(1.0,) * 4)
            builder.work(workload, "3.13#2", rate, threads=threads, noise=STEADY)
    return builder.study()


def width(row: Comparison) -> float:
    assert row.lo
    assert row.hi
    return math.log(row.hi / row.lo)


def test_rates_of_rebuilt_interpreters_are_less_certain_but_their_quotients_are_not() -> None:
    binaries = compare_interpreters(study(960))
    sources = compare_interpreters(study(960), layout=0.01)
    assert {row.metric for row in binaries} == {"throughput", "speedup"}
    for before, after in zip(binaries, sources, strict=True):
        assert before.ratio == after.ratio
        if after.metric == "throughput":
            assert (before.verdict, after.verdict) == ("regressed", "inconclusive")
            assert width(after) > width(before) + 0.03
        else:
            assert after == before
    family = next(row for row in sources if row.case.workload == "family cpu")
    assert width(family) < width(sources[0])


@pytest.mark.parametrize(("rate", "same_file", "warned"), [(975, False, 1), (975, True, 0), (900, False, 0)])
def test_a_difference_that_may_be_layout_is_told_if_there_are_two_builds(
    rate: float, same_file: bool, warned: int
) -> None:
    made = study(rate, same_file=same_file)
    assert abs(math.log(0.975)) < SMALL < abs(math.log(0.9))
    found = [
        small_changes(made, compare_interpreters(made)),
        small_ratios(made, build_report(made).cells),
        [caveat for caveat in build_report(made).caveats if caveat.kind == "layout"],
    ]
    assert [len(one) for one in found] == [warned] * 3
    assert all("countdown on 3.13#2" in caveat.text for one in found for caveat in one)
