"""Concurrency and the speed of one thread, from studies in which they are known beforehand."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from made import PAIR, experiments

from gilbench.analyse.properties import property_scores
from gilbench.analyse.properties.threads import SCALING, property_cases
from gilbench.model.scores import Score
from gilbench.model.study import Case, Effort, Header, Host, Plan, Run, Slice, Study
from gilbench.plan.catalogue import catalogue

INTERPRETERS = tuple(
    {configuration.interpreter.name: configuration.interpreter for configuration in PAIR}.values()
)
WORKLOADS = catalogue()


def slice_(number: int, rate: float) -> Slice:
    return Slice(
        round=number,
        start=0.0,
        end=1.0,
        window=1.0,
        operations=rate,
        checksum="",
        gil_enabled=(True, True),
        cpus=(0, 1),
    )


def rate_of(case: Case) -> float:
    """Without a GIL two threads do 1.8 times the work, and one thread 0.7 of what the reference does."""
    if case.gil is False:
        return 70.0 * (1.8 if case.threads > 1 else 1.0)
    return 100.0


def made(
    *,
    blocks: int = 5,
    disturbed: float = 0.0,
    cores: int = 2,
    law: Callable[[int, int], float] | None = None,
    noise: float = 0.02,
) -> Study:
    """Make a study with this noise, some disturbed slices, and speedups by a law of threads and CPUs."""
    rng = random.Random(7)

    def rate(case: Case) -> float:
        """Of a slice: a tenth in the given share of them."""
        speed = rate_of(case) if law is None else law(case.threads, cores) if case.threads > 1 else 1.0
        return speed * rng.uniform(1 - noise, 1 + noise) * (0.1 if rng.random() < disturbed else 1.0)

    cases = property_cases(INTERPRETERS, WORKLOADS, cores)
    runs = tuple(
        Run(
            case=index,
            block=block,
            attempt=0,
            slices=tuple(slice_(number, rate(case)) for number in range(4)),
        )
        for block in range(blocks)
        for index, case in enumerate(cases)
    )
    effort = Effort(
        name="x", blocks=blocks, slices=4, slice_seconds=1.0, latency_seconds=1.0, warmup_seconds=0.0
    )
    plan = Plan(effort=effort, cases=cases, seed=1, reference="3.13", cpus=tuple(range(cores)), seconds=1.0)
    host = Host(system="Linux", kernel="6", machine="x86_64", cpu_model="x", cores=cores, memory=1)
    header = Header(
        gilbench="0",
        created="2026-01-01T00:00:00+00:00",
        host=host,
        plan=plan,
        interpreters=INTERPRETERS,
        workloads=tuple(WORKLOADS.values()),
    )
    return Study(header=header, runs=runs)


STUDY = made()


def score(identity: str, study: Study | None, configuration: str) -> Score:
    found = property_scores(experiments(), study)
    return next(one for one in found if (one.id, one.interpreter) == (identity, configuration))


def test_what_scales_is_measured_on_one_on_all_and_on_twice_as_many_processors() -> None:
    cases = property_cases(INTERPRETERS, WORKLOADS, 2)
    assert {case.threads for case in cases if case.workload in SCALING} == {1, 2, 4}
    assert {case.threads for case in cases if case.workload not in SCALING} == {1}
    assert {(case.interpreter, case.gil) for case in cases} == {
        ("3.13", None),
        ("3.13t", True),
        ("3.13t", False),
    }


@pytest.mark.parametrize(
    ("configuration", "speedup", "contention", "value"),
    [("3.13", "no", "no", 1.0), ("3.13t GIL on", "no", "no", 1.0), ("3.13t GIL off", "yes", "yes", 1.8)],
)
def test_threads_help_where_there_is_no_gil(
    configuration: str, speedup: str, contention: str, value: float
) -> None:
    got = score("concurrency.speedup", STUDY, configuration)
    assert got.verdict == speedup
    assert got.figure == pytest.approx(value, abs=0.05)
    assert score("concurrency.contention", STUDY, configuration).verdict == contention
    assert score("concurrency.coherence", STUDY, configuration).verdict == "yes"


@pytest.mark.parametrize(
    ("configuration", "verdict", "value"),
    [("3.13", "yes", 1.0), ("3.13t GIL on", "yes", 1.0), ("3.13t GIL off", "no", 0.7)],
)
def test_one_thread_is_held_against_the_gil_build_of_the_same_version(
    configuration: str, verdict: str, value: float
) -> None:
    got = score("speed.one_thread", STUDY, configuration)
    assert got.verdict == verdict
    assert got.figure == pytest.approx(value, abs=0.02)


@pytest.mark.parametrize(("disturbed", "verdicts"), [(0.01, {"yes"}), (0.05, {"yes", "inconclusive"})])
def test_slices_in_which_the_host_was_elsewhere_turn_no_verdict_around(
    disturbed: float, verdicts: set[str]
) -> None:
    study = made(disturbed=disturbed)
    for identity in ("concurrency.speedup", "concurrency.contention", "concurrency.coherence"):
        assert score(identity, study, "3.13t GIL off").verdict in verdicts
    got = score("speed.one_thread", study, "3.13t GIL off")
    assert got.verdict == "no"
    assert got.figure == pytest.approx(0.7, abs=0.05)


@pytest.mark.parametrize("cores", [4, 64])
@pytest.mark.parametrize(
    ("law", "contention", "coherence"),
    [
        (lambda _threads, _cores: 1.0, "no", "yes"),  # a GIL
        (lambda threads, _cores: 0.5 * (4 / threads) ** 0.08, "no", "no"),  # the old GIL: ever slower
        (lambda threads, cores: 0.97 * min(threads, cores), "yes", "yes"),  # no GIL
        (lambda threads, cores: min(threads, cores) / (1 + 0.5 * (min(threads, cores) - 1)), "no", "yes"),
    ],
    ids=["GIL", "old GIL", "no GIL", "half of it locked"],
)
def test_losses_are_judged_at_the_cpus_of_the_host(
    law: Callable[[int, int], float], contention: str, coherence: str, cores: int
) -> None:
    study = made(cores=cores, law=law, noise=0.001)
    assert score("concurrency.contention", study, "3.13").verdict == contention
    assert score("concurrency.coherence", study, "3.13").verdict == coherence


def test_one_block_decides_nothing() -> None:
    assert score("concurrency.speedup", made(blocks=1), "3.13t GIL off").verdict == "inconclusive"
    assert score("speed.one_thread", made(blocks=1), "3.13t GIL off").verdict == "inconclusive"


def test_without_a_study_there_is_a_reason_and_no_verdict() -> None:
    for identity in ("concurrency.speedup", "concurrency.coherence", "speed.one_thread"):
        got = score(identity, None, "3.13t GIL off")
        assert got.verdict == "not here"
        assert got.reason
