from __future__ import annotations

import math
from typing import Any

import pytest
from made import PAIR, answered, experiments, failed, interpreter

from gilbench.analyse.properties import READINGS, TITLES, property_scores
from gilbench.analyse.properties.destruction import PROMPT
from gilbench.analyse.properties.footprint import LEAN
from gilbench.model.scores import Configuration, Outcome, Score
from gilbench.plan.experiments import EXPERIMENTS, configurations

GIL, ON, OFF = PAIR


def score(identity: str, *outcomes: Outcome, configuration: Configuration = GIL, among: Any = PAIR) -> Score:
    found = property_scores(experiments(*outcomes, among=among))
    return next(one for one in found if one.id == identity and one.interpreter == configuration.name)


def test_a_free_threaded_build_has_a_configuration_for_each_gil_mode() -> None:
    assert [(configuration.name, configuration.gil) for configuration in PAIR] == [
        ("3.13", None),
        ("3.13t GIL on", True),
        ("3.13t GIL off", False),
    ]


def test_every_property_has_a_verdict_in_every_configuration_even_where_nothing_was_tried() -> None:
    found = property_scores(experiments())
    assert {(one.id, one.interpreter) for one in found if one.part is None} == {
        (name, configuration.name) for name in TITLES for configuration in PAIR
    }
    assert {one.verdict for one in found if one.id.startswith("atomicity")} == {"not here"}
    assert all(one.reason for one in found if one.verdict == "not here")


def test_no_part_is_named_twice() -> None:
    found = [(one.id, one.interpreter) for one in property_scores(experiments())]
    assert len(found) == len(set(found))


def test_an_operation_that_lost_an_update_is_not_atomic() -> None:
    got = score(
        "atomicity.add_global", answered(GIL, "atomicity.add_global", wrong=[0, 3], updates=[1000, 1000])
    )
    assert (got.verdict, got.figure, got.unit) == ("no", 1500.0, "1")
    assert got.lo is not None
    assert got.hi is not None
    assert got.lo < 1500 < got.hi
    assert got.reason == "3 of 2.00 k updates lost or duplicated"


def test_an_operation_that_lost_nothing_says_how_much_could_have_been_overlooked() -> None:
    got = score("atomicity.set_add", answered(GIL, "atomicity.set_add", wrong=[0] * 8, updates=[1000] * 8))
    assert (got.verdict, got.figure, got.lo) == ("yes", 0.0, 0.0)
    assert got.hi is not None
    assert 0 < got.hi < 1e4


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        ("timeout", "hangs"),
        ("crash", "crashes"),
        ("exit", "fails"),
        ("protocol", "fails"),
        ("unsupported", "not here"),
    ],
)
def test_an_experiment_that_ended_badly_has_that_as_its_verdict(kind: str, verdict: str) -> None:
    got = score(
        "atomicity.set_add", failed(OFF, "atomicity.set_add", kind, "ended by SIGSEGV"), configuration=OFF
    )
    assert (got.verdict, got.reason, got.figure) == (verdict, "ended by SIGSEGV", None)


@pytest.mark.parametrize("kind", ["timeout", "crash", "exit"])
def test_a_part_that_ended_badly_is_never_hidden_by_the_parts_that_did_well(kind: str) -> None:
    good = answered(GIL, "atomicity.list_pop", wrong=[0, 0], updates=[10, 10])
    whole = score("atomicity", failed(GIL, "atomicity.set_add", kind), good)
    assert whole.verdict in {"hangs", "crashes", "fails"}
    assert whole.reason == "not: set.add"
    assert whole.figure == 0.5


@pytest.mark.parametrize(
    "rubbish",
    [
        {},
        {"wrong": "x", "updates": [1]},
        {"wrong": [2, 2], "updates": [1, 1]},
        {"wrong": [1], "updates": [1, 2]},
        {"wrong": None, "updates": None},
        {"wrong": [], "updates": []},
    ],
)
def test_rubbish_is_a_failure_and_no_traceback(rubbish: dict[str, Any]) -> None:
    got = score("atomicity.set_add", answered(GIL, "atomicity.set_add", **rubbish))
    assert got.verdict == "fails"


@pytest.mark.parametrize("identity", [one.id for one in property_scores(experiments()) if one.part])
def test_no_judge_is_brought_down_by_figures_of_another_experiment(identity: str) -> None:
    for configuration in PAIR:
        score(identity, answered(configuration, identity, strange=[1]), configuration=configuration)


def test_what_a_program_says_of_its_failure_is_kept_short() -> None:
    got = score("atomicity.set_add", failed(GIL, "atomicity.set_add", "workload", "x" * 5000))
    assert len(got.reason or "") < 200


@pytest.mark.parametrize(("seconds", "verdict"), [(1e-6, "yes"), (PROMPT * 2, "no")])
def test_promptness_is_judged_by_the_median(seconds: float, verdict: str) -> None:
    got = score("prompt.same_thread", answered(GIL, "prompt.same_thread", delays=[seconds] * 20, here=20))
    assert (got.verdict, got.unit) == (verdict, "s")
    assert got.figure == pytest.approx(seconds)


def test_one_straggler_does_not_decide() -> None:
    delays = [1e-6] * 19 + [0.5]
    assert (
        score("prompt.same_thread", answered(GIL, "prompt.same_thread", delays=delays, here=20)).verdict
        == "yes"
    )


def test_a_finalizer_that_never_came_is_counted_and_has_no_delay() -> None:
    got = score("prompt.same_thread", answered(GIL, "prompt.same_thread", delays=[None] * 20, here=0))
    assert (got.verdict, got.figure, got.unit, got.lo) == ("no", 0.0, "fraction", 0.0)
    assert got.hi is not None
    assert 0 < got.hi < 0.3


def test_cycles_of_python_2_are_kept_and_that_is_said() -> None:
    got = score("prompt.cycle", answered(GIL, "prompt.cycle", delays=[None] * 20, garbage=20))
    assert got.verdict == "no"
    assert "20 in gc.garbage" in (got.reason or "")


def test_a_cycle_may_take_its_time_but_has_to_end() -> None:
    assert score("prompt.cycle", answered(GIL, "prompt.cycle", delays=[0.3] * 20, garbage=0)).verdict == "yes"


def test_a_lock_that_its_own_thread_held_is_a_deadlock() -> None:
    stuck = answered(GIL, "features.lock_dropped", dropped=20, finalized=20, stuck=20)
    free = answered(OFF, "features.lock_dropped", dropped=20, finalized=20, stuck=0)
    never = answered(ON, "features.lock_dropped", dropped=20, finalized=0, stuck=0)
    verdicts = [
        score("features.lock_dropped", stuck, free, never, configuration=configuration).verdict
        for configuration in PAIR
    ]
    assert verdicts == ["no", "not here", "yes"]


def test_the_import_that_switches_the_gil_back_on_is_seen() -> None:
    plain = [
        answered(GIL, "api.builds", gil_enabled=[True, True], checks=5, passed=5),
        answered(OFF, "api.builds", gil_enabled=[False, True], checks=5, passed=5),
        answered(ON, "api.builds", gil_enabled=[True, True], checks=5, passed=5),
    ]
    assert [
        score("api.stays_off", *plain, configuration=configuration).verdict for configuration in PAIR
    ] == [
        "not here",
        "not here",
        "no",
    ]
    assert [score("api.safe", *plain, configuration=one).verdict for one in PAIR] == [
        "yes",
        "yes",
        "yes",
    ]


def test_an_extension_that_would_run_without_a_gil_unasked_is_not_safe() -> None:
    plain = answered(OFF, "api.builds", gil_enabled=[False, False], checks=5, passed=5)
    assert score("api.safe", plain, configuration=OFF).verdict == "no"
    assert score("api.stays_off", plain, configuration=OFF).verdict == "yes"


def test_what_the_compiler_says_is_the_reason() -> None:
    refused = failed(OFF, "api.stable_abi", "compiler", "The limited API is not currently supported")
    got = score("api.stable_abi", refused, configuration=OFF)
    assert (got.verdict, got.reason) == ("no", "The limited API is not currently supported")


def memory(configuration: Configuration, value: float) -> Outcome:
    return answered(configuration, "speed.memory_float", bytes=[value, value + 0.1, value - 0.1])


def test_memory_is_held_against_the_gil_build_of_the_same_version() -> None:
    outcomes = memory(GIL, 32.0), memory(OFF, 32 * LEAN * 1.1), memory(ON, 33.0)
    scores = [score("speed.memory_float", *outcomes, configuration=configuration) for configuration in PAIR]
    assert [one.verdict for one in scores] == ["yes", "yes", "no"]
    assert [one.reason for one in scores] == [
        "reference",
        "1.03 times the memory of 3.13",
        "1.38 times the memory of 3.13",
    ]


def test_without_such_a_build_there_is_a_figure_and_no_verdict() -> None:
    among = configurations(
        [interpreter("jython2.7", (2, 7, 3), "Jython"), *[one.interpreter for one in PAIR[:1]]]
    )
    got = score("speed.memory_float", memory(among[0], 40.0), configuration=among[0], among=among)
    assert got.verdict == "not here"
    assert got.figure == pytest.approx(40.0)
    assert "add --python 2.7" in (got.reason or "")


def test_headers_are_counted_and_there_may_be_none() -> None:
    got = score("simplicity")
    assert got.verdict == "yes"
    assert got.figure == pytest.approx(0.033)
    assert score("simplicity", configuration=OFF).verdict == "not here"


def test_figures_are_finite_or_absent() -> None:
    delays = [None] * 9 + [1e-6] * 11
    found = property_scores(experiments(answered(GIL, "prompt.same_thread", delays=delays, here=11)))
    assert any(one.figure is not None for one in found)
    for one in found:
        assert one.figure is None or math.isfinite(one.figure)


def test_every_experiment_has_a_reading_and_an_answer_of_its_own_or_of_another_one() -> None:
    made = {one.id for one in EXPERIMENTS if one.of is None}
    for one in EXPERIMENTS:
        assert one.reading in READINGS
        assert one.property in TITLES
        assert (one.of in made) != bool(one.module and one.function), one.id
    assert {one.reading for one in EXPERIMENTS} == READINGS.keys()
    assert len({one.id for one in EXPERIMENTS}) == len(EXPERIMENTS)


@pytest.mark.parametrize(
    ("lost", "control", "verdict"), [(0, 0, "not seen"), (0, 5, "yes"), (2, 0, "no"), (2, 5, "no")]
)
def test_an_operation_is_atomic_only_where_the_positive_control_loses_updates(
    lost: int, control: int, verdict: str
) -> None:
    made = (
        answered(GIL, "atomicity.set_add", wrong=[lost] * 8, updates=[1000] * 8),
        answered(GIL, "atomicity.add_call", wrong=[control] * 8, updates=[1000] * 8),
    )
    got = score("atomicity.set_add", *made)
    assert got.verdict == verdict
    assert ("positive control" in (got.reason or "")) == (verdict == "not seen")
    if not lost and not control:
        assert score("atomicity", *made).verdict == "not seen"


def test_a_positive_control_that_failed_leaves_the_verdict() -> None:
    made = (
        answered(GIL, "atomicity.set_add", wrong=[0] * 8, updates=[1000] * 8),
        failed(GIL, "atomicity.add_call", "timeout"),
    )
    assert score("atomicity.set_add", *made).verdict == "yes"
