"""The claims on real interpreters, by a plan of a few workloads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from interpreters_fixture import interpreter
from sessions import BRIEF

from gilbench.analyse.claims import claim_cases, claim_scores
from gilbench.analyse.stats.estimates import MINIMUM_BLOCKS
from gilbench.model.scores import Score
from gilbench.model.study import Header, Run, Study
from gilbench.plan.catalogue import catalogue
from gilbench.run.measure import run_plan
from gilbench.run.session import Hooks
from gilbench.work.scorecard import plan_claims

REDUCED = ("countdown", "sleep", "tcp_echo_cpu", "ctrl_c")
EFFORT = msgspec.structs.replace(BRIEF, blocks=MINIMUM_BLOCKS, slices=4, slice_seconds=0.03)


def plan_of(*specs: str, workloads: Sequence[str] = REDUCED) -> Header:
    """The plan of a scorecard with some of its workloads."""
    header = plan_claims(tuple(interpreter(spec).executable for spec in specs))
    cases = tuple(case for case in header.plan.cases if case.workload in workloads)
    plan = msgspec.structs.replace(header.plan, cases=cases, effort=EFFORT, budget=None)
    chosen = tuple(workload for workload in header.workloads if workload.name in workloads)
    return msgspec.structs.replace(header, plan=plan, workloads=chosen)


def scored(header: Header) -> dict[tuple[str, str], Score]:
    """Measure it for real."""
    runs: list[Run] = []
    known = {**catalogue(), **{workload.name: workload for workload in header.workloads}}
    hooks = Hooks(save=runs.append, stop=lambda: False, progress=lambda _text, _share: None)
    run_plan(header.plan, header.interpreters, known, hooks, host=header.host)
    scores = claim_scores(Study(header=header, runs=tuple(runs)))
    return {(score.id, score.interpreter): score for score in scores}


def leans(score: Score, verdict: str, *, below: float | None = None, above: float | None = None) -> None:
    """Check the direction of a score: on a busy host, three blocks may not be enough for a verdict."""
    assert score.verdict in {verdict, "inconclusive"}, score
    assert score.figure is not None
    assert below is None or score.figure < below, score
    assert above is None or score.figure > above, score


@pytest.fixture(scope="module")
def both() -> dict[tuple[str, str], Score]:
    return scored(plan_of("2.7", "3.11"))


def test_an_echo_collapses_beside_a_busy_thread_on_311_and_not_on_27(
    both: dict[tuple[str, str], Score],
) -> None:
    leans(both["5.echo", "3.11"], "does not hold", below=0.2)
    leans(both["5.echo", "2.7"], "holds", above=0.2)


def test_ctrl_c_waits_for_the_end_of_a_join_on_27_and_not_on_311(both: dict[tuple[str, str], Score]) -> None:
    leans(both["6.join", "2.7"], "holds", above=0.05)
    leans(both["6.join", "3.11"], "does not hold", below=0.05)
    leans(both["6.c_call", "3.11"], "holds", above=0.05)


def test_two_threads_hand_the_gil_over_more_often_than_the_harness_calls_the_kernel(
    both: dict[tuple[str, str], Score],
) -> None:
    leans(both["3.threads", "3.11"], "holds", above=100.0)


def test_two_sleeps_take_the_time_of_one(both: dict[tuple[str, str], Score]) -> None:
    for name in ("2.7", "3.11"):
        leans(both["2.sleep", name], "holds", above=1.3)


def test_what_the_reduced_plan_left_out_is_not_here(both: dict[tuple[str, str], Score]) -> None:
    assert both["7", "3.11"].verdict == "not here"
    assert both["7", "3.11"].reason == "long_hold is not in this study"


def test_a_worker_that_dies_is_a_crash_in_its_rows_alone(tmp_path: Path) -> None:
    header = plan_of("3.11", workloads=("countdown", "sleep"))
    file = tmp_path / "sleep.py"
    file.write_text(
        "import os, signal\n\n\ndef operation(state):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    broken = msgspec.structs.replace(catalogue()["sleep"], path=str(file))
    workloads = tuple(broken if one.name == "sleep" else one for one in header.workloads)
    seen = scored(msgspec.structs.replace(header, workloads=workloads))
    assert seen["2.sleep", "3.11"].verdict == "crashes"
    assert "SIGKILL" in (seen["2.sleep", "3.11"].reason or "")
    assert seen["4", "3.11"].figure is not None


def test_a_free_threaded_build_is_tried_with_its_gil_on_and_off() -> None:
    threaded = interpreter("3.13t")
    cases = claim_cases([threaded], catalogue(), 2)
    assert {case.gil for case in cases} == {True, False}
