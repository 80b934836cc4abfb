"""The properties on real interpreters: the truths that are known of each must come out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from interpreters_fixture import interpreter

from gilbench.analyse.properties import property_scores
from gilbench.model.scores import Experiments, Score
from gilbench.plan.experiments import EXPERIMENTS, Experiment
from gilbench.run import experiments as running
from gilbench.run.experiments import try_properties

OLD, NEW, THREADED = "2.7", "3.13", "3.13t"
FEW = {
    "atomicity.list_append",
    "atomicity.add_attribute",
    "atomicity.add_call",
    "features.lock_dropped",
    "features.lock_collected",
    "prompt.same_thread",
    "prompt.owner_busy",
    "prompt.owner_asleep",
    "prompt.cycle",
    "prompt.file",
    "ordered.alone",
    "ordered.cycle",
}


def chosen(ids: Collection[str]) -> list[Experiment]:
    return [one for one in EXPERIMENTS if one.id in ids or one.property == "api"]


@functools.cache
def tried(spec: str) -> Experiments:
    return try_properties([interpreter(spec)], lambda _text: None, chosen(FEW))


def scores(spec: str, configuration: str | None = None) -> dict[str, Score]:
    found = property_scores(tried(spec))
    return {one.id: one for one in found if configuration in {None, one.interpreter}}


def verdicts(spec: str, *identities: str, configuration: str | None = None) -> list[str]:
    found = scores(spec, configuration)
    return [found[identity].verdict for identity in identities]


@pytest.mark.parametrize("spec", [OLD, "3.11", NEW, "pypy", "jython"])
def test_appending_to_a_list_loses_nothing(spec: str) -> None:
    assert verdicts(spec, "atomicity.list_append") == ["yes"]


@pytest.mark.parametrize("spec", [OLD, "jython"])
def test_adding_to_a_shared_number_loses_updates_where_a_thread_is_stopped_anywhere(spec: str) -> None:
    assert verdicts(spec, "atomicity.add_attribute", "atomicity.add_call") == ["no", "no"]


def test_adding_to_a_shared_number_loses_updates_without_a_gil() -> None:
    assert verdicts(THREADED, "atomicity.add_attribute", configuration="3.13t GIL off") == ["no"]


@pytest.mark.parametrize("spec", ["3.11", NEW])
def test_since_3_10_it_loses_them_only_where_there_is_a_call_in_between(spec: str) -> None:
    assert verdicts(spec, "atomicity.add_attribute", "atomicity.add_call") == ["yes", "no"]


@pytest.mark.parametrize("spec", [OLD, "3.11", NEW])
def test_reference_counts_are_prompt(spec: str) -> None:
    kinds = ("prompt.same_thread", "prompt.owner_busy", "prompt.owner_asleep", "prompt.file")
    assert verdicts(spec, *kinds) == ["yes"] * 4


@pytest.mark.parametrize("spec", ["pypy", "jython"])
def test_a_collector_alone_is_not_prompt(spec: str) -> None:
    kinds = ("prompt.same_thread", "prompt.owner_busy", "prompt.owner_asleep", "prompt.file")
    assert verdicts(spec, *kinds) == ["no"] * 4


@pytest.mark.parametrize("mode", ["on", "off"])
def test_a_free_threaded_build_leaves_the_end_of_an_object_to_the_thread_that_made_it(mode: str) -> None:
    configuration = f"3.13t GIL {mode}"
    assert verdicts(THREADED, "prompt.same_thread", "prompt.owner_asleep", configuration=configuration) == [
        "yes",
        "no",
    ]


def test_python_2_never_finalizes_a_cycle_and_later_ones_do() -> None:
    assert verdicts(OLD, "prompt.cycle", "ordered.cycle") == ["no", "no"]
    assert "gc.garbage" in (scores(OLD)["ordered.cycle"].reason or "")
    assert verdicts(NEW, "prompt.cycle", "ordered.cycle") == ["yes", "yes"]


def test_attributes_are_there_when_an_object_ends_and_on_jython_too_but_not_in_order() -> None:
    assert verdicts(NEW, "ordered.alone", "ordered.before_part") == ["yes", "yes"]
    assert verdicts("jython", "ordered.alone", "ordered.before_part") == ["yes", "no"]


def test_a_finalizer_meets_the_lock_of_its_own_thread_unless_it_runs_in_another() -> None:
    assert verdicts(NEW, "features.lock_dropped", "features.lock_collected") == ["no", "no"]
    assert verdicts("jython", "features.lock_dropped", "features.lock_collected") == ["yes", "yes"]


API = ("api.builds", "api.safe", "api.stays_off", "api.slot", "api.stable_abi")


@pytest.mark.parametrize("spec", [OLD, NEW])
def test_an_ordinary_build_takes_the_extension_and_has_nothing_to_switch_back_on(spec: str) -> None:
    assert verdicts(spec, *API) == ["yes", "yes", "not here", "not here", "yes"]


def test_a_free_threaded_build_switches_the_gil_back_on_unless_the_extension_opts_in() -> None:
    assert verdicts(THREADED, *API, configuration="3.13t GIL off") == ["yes", "yes", "no", "yes", "no"]
    assert "limited API" in (scores(THREADED, "3.13t GIL off")["api.stable_abi"].reason or "")
    assert verdicts(THREADED, *API, configuration="3.13t GIL on") == [
        "yes",
        "yes",
        "not here",
        "not here",
        "no",
    ]


def test_jython_has_no_c_api_and_says_so() -> None:
    found = scores("jython")
    assert {found[identity].verdict for identity in API} == {"not here"}
    assert found["api.builds"].reason == "Jython has no C API"


@pytest.fixture
def instead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], dict[str, Score]]:
    """Try one operation that goes wrong, then a good one."""

    def run(code: str) -> dict[str, Score]:
        script = tmp_path / "tester.py"
        real = running._SCRIPT
        script.write_text(
            f"import os, signal, sys\nsys.path.insert(0, {str(real.parent)!r})\n"
            "import tester, worker\n"
            "class Bad(tester.Tester):\n"
            "    def experiment(self, request):\n"
            "        if request['arguments'].get('operation') == 'set_add':\n"
            f"            {code}\n"
            "        return tester.Tester.experiment(self, request)\n"
            "worker.main(Bad)\n"
        )
        monkeypatch.setattr(running, "_SCRIPT", script)
        monkeypatch.setattr(running, "LIMIT", 2.0)
        two = chosen({"atomicity.set_add", "atomicity.deque_append"})
        found = property_scores(try_properties([interpreter("3.11")], lambda _text: None, two))
        return {one.id: one for one in found}

    return run


@pytest.mark.parametrize(
    ("code", "verdict", "reason"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "crashes", "ended by SIGSEGV"),
        ("signal.pause()", "hangs", "no answer within 2 s"),
        ("os._exit(3)", "fails", "exited with status 3 during a run"),
        ("raise KeyError('x')", "fails", "KeyError: 'x'"),
        ("return {'strange': 1}", "fails", "the experiment gave an invalid answer (KeyError)"),
    ],
)
def test_a_trial_that_goes_wrong_has_that_as_its_verdict_and_the_others_go_on(
    instead: Callable[[str], dict[str, Score]], code: str, verdict: str, reason: str
) -> None:
    found = instead(code)
    assert (found["atomicity.set_add"].verdict, found["atomicity.set_add"].reason) == (verdict, reason)
    assert found["atomicity.deque_append"].verdict == "yes"
    assert found["atomicity"].verdict == verdict
