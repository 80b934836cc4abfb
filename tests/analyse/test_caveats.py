from __future__ import annotations

from typing import Any

import pytest
from studies import StudyBuilder, counted, make_slice, make_workload, named

from gilbench.analyse.study.caveats import caveats
from gilbench.analyse.study.differences import differences
from gilbench.model.study import Cpu, Interpreter, Noise, Reading


def builder(*interpreters: Interpreter, blocks: int = 4, **run: Any) -> StudyBuilder:
    study = StudyBuilder(interpreters or [named("3.13")], [make_workload()], blocks=blocks)
    for interpreter in study.interpreters:
        study.work("countdown", interpreter.name, 1000.0, readings=(counted(),), **run)
    return study


def said(study: StudyBuilder) -> tuple[str, ...]:
    return tuple(caveat.text for caveat in caveats(study.study()))


def test_a_quiet_study_has_no_warning() -> None:
    assert said(builder(named("3.13"), named("3.13t", free_threaded=True))) == ()


def test_builds_that_should_not_be_compared_are_named_with_every_reason() -> None:
    other = named("3.12", "3.12.1", debug=True, optimisation="-O0")
    assert said(builder(named("3.13", debug=False, optimisation="-O3"), other)) == (
        ("3.12 and 3.13 are built differently: debug build vs release build; -O0 vs -O3"),
    )


def test_a_gil_that_was_switched_while_it_ran_is_told_once() -> None:
    study = builder()
    for block in (0, 1):
        study.run(0, block, [make_slice(gil_enabled=(False, True))] * 2, attempt=1)
    assert said(study) == ("the GIL of 3.13 was switched during a run",)


def test_cpu_sets_that_were_not_in_force_are_told() -> None:
    study = builder()
    study.run(0, 0, [make_slice(cpus=())], attempt=1)
    assert said(study) == ("CPU affinity could not be set; results are noisier",)


def test_interrupted_runs_are_counted() -> None:
    study = builder()
    for block in (1, 2):
        study.run(0, block, [make_slice()], attempt=1, interrupted=True)
    assert said(study) == ("2 runs were interrupted, with fewer slices than planned",)


@pytest.mark.parametrize(
    ("blocks", "finished", "few"), [(4, 2, True), (4, 3, False), (1, 1, False), (2, 1, True)]
)
def test_too_few_blocks_are_told(blocks: int, finished: int, few: bool) -> None:
    study = builder(blocks=blocks)
    study.runs = study.runs[:finished]
    expected = f"only {finished} block{'s were' if finished > 1 else ' was'} finished, too few for a reliable interval"
    assert said(study) == ((expected,) if few else ())


@pytest.mark.parametrize(("steal", "told"), [(0.019, False), (0.051, True), (None, False)])
def test_time_taken_by_the_hypervisor_is_told_where_it_matters(steal: float | None, told: bool) -> None:
    study = builder(noise=(1.0, 1.01, 0.99, 1.0))
    study.run(0, 3, [make_slice()], attempt=1, noise=Noise(steal=steal))
    assert said(study) == (("the hypervisor took up to 5% of the CPU time of a block",) if told else ())


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
    study.warnings = ("the last line is truncated",)
    study.host = {"governor": "powersave"}
    assert said(study)[0] == "the last line is truncated"
    assert len(said(study)) == 2


def test_a_caveat_has_a_kind_a_subject_and_a_next_step() -> None:
    study = builder(named("3.13", pgo=True), named("3.12", "3.12.1", pgo=False))
    (caveat,) = caveats(study.study())
    assert (caveat.kind, caveat.subject) == ("build", "3.12")
    assert caveat.next == "Compare builds with the same flags."


def test_what_changed_between_two_studies_is_named() -> None:
    before, now = builder(named("3.13", pgo=True)), builder(named("3.13", pgo=False))
    before.host, now.host = {"kernel": "6.1.0"}, {"kernel": "6.2.0"}
    assert [caveat.text for caveat in differences(before.study(), now.study())] == [
        "the kernel changed from 6.1.0 to 6.2.0",
        "3.13 is built differently than before: without PGO vs with PGO",
    ]


@pytest.mark.parametrize(("before", "told"), [("powersave", True), ("performance", False), (None, False)])
def test_an_unknown_fact_of_the_host_is_no_change(before: str | None, told: bool) -> None:
    one, other = builder(), builder()
    one.host, other.host = {"governor": before}, {"governor": "performance"}
    subjects = [caveat.subject for caveat in differences(one.study(), other.study())]
    assert ("frequency governor" in subjects) == told


@pytest.mark.parametrize(("share", "stopped"), [(None, False), (0.0, False), (0.24, True)])
def test_blocks_that_a_quota_stopped_are_counted(share: float | None, stopped: bool) -> None:
    study = builder()
    study.host = {"quota": 1.5}
    study.run(0, 3, [make_slice()], attempt=1, noise=Noise(throttled=share))
    expected = (
        "the quota of 1.5 CPUs stopped gilbench in 1 of 1 blocks of a workload, for up to 24.0% of the periods; "
        "findings leave these blocks out"
    )
    assert said(study) == ((expected,) if stopped else ())


@pytest.mark.parametrize(("busy", "told"), [(None, False), (0.02, False), (0.5, True)])
def test_other_programs_are_told(busy: float | None, told: bool) -> None:
    study = builder()
    study.host = {"busy": busy}
    assert said(study) == (("other programs used 50% of the CPU time just before the study",) if told else ())


@pytest.mark.parametrize(("cores", "where"), [(1, "the only core"), (2, "CPU-bound threads use"), (3, None)])
def test_a_load_generator_without_a_core_of_its_own_is_told(cores: int, where: str | None) -> None:
    study = StudyBuilder([named("3.13")], [make_workload("echo", "mixed")])
    for threads in (0, 1):
        study.work("echo", "3.13", 1000.0, threads=threads)
    study.host = {"cpus": tuple(Cpu(number=number, core=number) for number in range(cores))}
    texts = [text for text in said(study) if "load generator" in text]
    assert len(texts) == (where is not None)
    assert where is None or where in texts[0]
