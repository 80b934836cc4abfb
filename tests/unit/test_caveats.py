from __future__ import annotations

from typing import Any

import pytest
from studies import StudyBuilder, counted, make_slice, make_workload, named

from gilbench.analyse.caveats import caveats
from gilbench.model import Interpreter, Noise, Reading


def builder(*interpreters: Interpreter, blocks: int = 4, **run: Any) -> StudyBuilder:
    study = StudyBuilder(interpreters or [named("3.13")], [make_workload()], blocks=blocks)
    for interpreter in study.interpreters:
        study.work("countdown", interpreter.name, 1000.0, readings=(counted(),), **run)
    return study


def said(study: StudyBuilder) -> tuple[str, ...]:
    return caveats(study.study())


def test_a_quiet_study_has_no_warning() -> None:
    assert said(builder(named("3.13"), named("3.13t", free_threaded=True))) == ()


def test_builds_that_should_not_be_compared_are_named_with_every_reason() -> None:
    other = named("3.12", "3.12.1", debug=True, optimisation="-O0")
    assert said(builder(named("3.13", debug=False, optimisation="-O3"), other)) == (
        (
            "3.12 should not be compared with 3.13 as a build: a debug build, the reference is a release build; "
            "compiled with -O0, the reference compiled with -O3"
        ),
    )


def test_a_gil_that_was_switched_while_it_ran_is_told_once() -> None:
    study = builder()
    for block in (0, 1):
        study.run(0, block, [make_slice(gil_enabled=(False, True))] * 2, attempt=1)
    assert said(study) == ("the GIL of 3.13 was switched while it ran",)


def test_cpu_sets_that_were_not_in_force_are_told() -> None:
    study = builder()
    study.run(0, 0, [make_slice(cpus=())], attempt=1)
    assert said(study) == (
        "CPU sets could not be set on this host: comparisons are noisier than they need be",
    )


def test_interrupted_runs_are_counted() -> None:
    study = builder()
    for block in (1, 2):
        study.run(0, block, [make_slice()], attempt=1, interrupted=True)
    assert said(study) == ("2 run(s) were interrupted and have fewer slices than planned",)


@pytest.mark.parametrize(
    ("blocks", "finished", "few"), [(4, 2, True), (4, 3, False), (1, 1, False), (2, 1, True)]
)
def test_too_few_blocks_are_told(blocks: int, finished: int, few: bool) -> None:
    study = builder(blocks=blocks)
    study.runs = study.runs[:finished]
    expected = f"only {finished} block(s) were finished: too few for an interval that can be trusted"
    assert said(study) == ((expected,) if few else ())


@pytest.mark.parametrize(("steal", "told"), [(0.019, False), (0.051, True), (None, False)])
def test_time_taken_by_the_hypervisor_is_told_where_it_matters(steal: float | None, told: bool) -> None:
    study = builder(noise=(1.0, 1.01, 0.99, 1.0))
    study.run(0, 3, [make_slice()], attempt=1, noise=Noise(steal=steal))
    assert said(study) == (("the hypervisor took up to 5% of the CPU time in a block",) if told else ())


@pytest.mark.parametrize(("governor", "told"), [("powersave", True), ("performance", False), (None, False)])
def test_a_governor_that_saves_power_is_told(governor: str | None, told: bool) -> None:
    study = builder()
    study.host = {"governor": governor}
    assert bool(said(study)) == told
    if told:
        assert "'powersave'" in said(study)[0]


def test_an_observer_that_saw_nothing_is_told_once_for_each_interpreter_and_reason() -> None:
    study = builder(named("3.13"), named("3.13t"))
    for case in (0, 1):
        for block in range(3):
            reading = Reading(observer="stacks", unavailable="py-spy is not installed")
            study.run(case, block, [make_slice()], attempt=1, readings=(reading,))
    assert said(study) == (
        "stacks is unavailable on 3.13: py-spy is not installed",
        "stacks is unavailable on 3.13t: py-spy is not installed",
    )


def test_warnings_of_the_file_come_first() -> None:
    study = builder()
    study.warnings = ("the last line was cut short",)
    study.host = {"governor": "powersave"}
    assert said(study)[0] == "the last line was cut short"
    assert len(said(study)) == 2
