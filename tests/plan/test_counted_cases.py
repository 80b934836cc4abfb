"""Counted cases in a plan: which there are, and that they disturb no block."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from studies import make_profile, make_workload, named

from gilbench.model.errors import UsageError
from gilbench.model.study import Case, Plan, Workload
from gilbench.plan.axes import Axes, cases
from gilbench.plan.blocks import groups, make_plan, slice_order
from gilbench.plan.counting import SECONDS, countable, is_counted, parse_count, uncountable

INTERPRETERS = (named("3.13"), named("3.13t", free_threaded=True))
COUNTDOWN = make_workload()


def planned(*workloads: Workload, counted: bool, **axes: Any) -> Plan:
    matrix = Axes(**{"threads": (1, 2), "counted": counted, **axes})
    chosen = workloads or (COUNTDOWN,)
    return make_plan(
        list(cases(chosen, INTERPRETERS, matrix)),
        effort=make_profile(),
        interpreters=INTERPRETERS,
        workloads=chosen,
        reference="3.13",
        seed=7,
        cpus=(0, 1),
    )


def test_one_thread_that_computes_is_counted_and_everything_stays_timed() -> None:
    workloads = (COUNTDOWN, make_workload("sha256", "offgil"), make_workload("tcp_echo", "io"))
    plain, plan = planned(*workloads, counted=False), planned(*workloads, counted=True)
    assert [case for case in plan.cases if not is_counted(case)] == list(plain.cases)
    assert [(case.workload, case.threads, case.interpreter) for case in plan.cases if is_counted(case)] == [
        ("countdown", 1, "3.13"),
        ("countdown", 1, "3.13t"),
    ]


@pytest.mark.parametrize("driver", ["processes", "cooperative", "inside"])
def test_work_in_other_places_than_one_thread_is_not_counted(driver: str) -> None:
    assert countable(COUNTDOWN, 1)
    assert not countable(make_workload(driver=driver), 1)
    assert not countable(COUNTDOWN, 2)


def test_a_switch_interval_makes_no_other_count_and_a_gil_mode_does() -> None:
    swept = {"switch_interval": (0.005, 0.001), "gil": (True, False)}
    plan = planned(counted=True, swept=swept)
    assert len(set(plan.cases)) == len(plan.cases)
    found = Counter((case.interpreter, case.gil) for case in plan.cases if is_counted(case))
    assert found == {("3.13", None): 1, ("3.13t", True): 1, ("3.13t", False): 1}


def slices(plan: Plan) -> list[Counter[tuple[int, str, int]]]:
    """For each group, what it serves."""
    return [
        Counter(
            (turn, plan.cases[index].interpreter, plan.cases[index].threads)
            for turn, index in slice_order(plan, group, 0, COUNTDOWN)
        )
        for group in groups(plan, {})
    ]


def test_blocks_are_as_if_nothing_was_counted() -> None:
    plain, plan = planned(counted=False), planned(counted=True)
    assert slices(plan) == slices(plain)
    assert not [index for group in groups(plan, {}) for index in group.cases if is_counted(plan.cases[index])]
    assert plan.seconds == pytest.approx(plain.seconds + 2 * SECONDS)


def test_what_compiles_while_it_runs_is_not_counted() -> None:
    case = Case(workload="countdown", interpreter="any", threads=1)
    assert uncountable(case, named("3.13").build) is None
    for other in (
        named("pypy", implementation="PyPy", jit=True),
        named("3.14", jit=True),
        named("jython", implementation="Jython", jit=True),
        named("ipy", implementation="IronPython"),
    ):
        assert "not counted" in str(uncountable(case, other.build))
    off, on = (msgspec.structs.replace(case, jit=jit) for jit in (False, True))
    pypy, newest = named("pypy", implementation="PyPy", jit=True), named("3.14", jit=False)
    assert uncountable(off, pypy.build) is None
    assert "not counted" in str(uncountable(on, newest.build))


def test_only_instructions_can_be_asked_for() -> None:
    assert parse_count(None) is False
    assert parse_count("instructions") is True
    with pytest.raises(UsageError, match="'cycles' cannot be counted; use instructions"):
        parse_count("cycles")
