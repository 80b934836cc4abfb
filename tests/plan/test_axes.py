from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studies import make_workload, named

from gilbench.model.errors import UsageError
from gilbench.model.study import Case
from gilbench.plan import axes
from gilbench.plan.axes import Axes, cases, variant

ORDINARY, FREE = named("3.13"), named("3.13t", free_threaded=True)


def test_a_forced_gil_is_an_axis_of_free_threaded_builds_alone() -> None:
    found = cases([make_workload()], [ORDINARY, FREE], Axes(threads=(1,), swept={"gil": (True, False)}))
    assert [(case.interpreter, case.gil) for case in found] == [
        ("3.13", None),
        ("3.13t", True),
        ("3.13t", False),
    ]


def test_a_forced_jit_is_an_axis_of_builds_with_a_jit_of_their_own() -> None:
    jython = named("jython", implementation="Jython", jit=True)
    inside = named("3.14", jit=False, jit_kind="native")
    swept = Axes(threads=(1,), swept={"jit": (True, False)})
    found = cases([make_workload()], [ORDINARY, jython, inside], swept)
    assert [(case.interpreter, case.jit) for case in found] == [
        ("3.13", None),
        ("jython", None),
        ("3.14", True),
        ("3.14", False),
    ]


def test_the_jit_is_switched_by_a_variable_and_on_pypy_by_an_option() -> None:
    on, off = (Case(workload="w", interpreter="i", threads=1, jit=jit) for jit in (True, False))
    pypy = named("pypy", implementation="PyPy", jit=True, jit_kind="native").build
    assert [axes.environment(case) for case in (on, off)] == [{"PYTHON_JIT": "1"}, {"PYTHON_JIT": "0"}]
    assert [axes.options(case, pypy) for case in (on, off)] == [(), ("--jit", "off")]
    assert axes.options(off, ORDINARY.build) == ()
    plain = Case(workload="w", interpreter="i", threads=1)
    assert (axes.environment(plain), axes.options(plain, pypy)) == ({}, ())


def test_switch_intervals_and_cpu_counts_multiply_the_cases() -> None:
    swept = Axes(threads=(1, 2), swept={"switch_interval": (0.005, 0.001), "cpus": (1, 2)})
    assert len(list(cases([make_workload()], [ORDINARY], swept))) == 8


def test_a_set_parameter_replaces_the_declared_choices_and_keeps_its_kind() -> None:
    workload = make_workload(parameters={"main": "asleep", "rate": 40}, choices={"main": ("asleep", "busy")})
    swept = Axes(threads=(1,), parameters={"main": ("busy",), "rate": ("10", "40")})
    assert [case.parameters for case in cases([workload], [ORDINARY], swept)] == [
        (("main", "busy"), ("rate", 10)),
        (("main", "busy"),),
    ]


def test_a_workload_that_needs_a_newer_python_has_no_case_on_an_old_one() -> None:
    workload = make_workload(requires=("python>=3.12", "numpy"))
    found = cases([workload], [named("3.11", "3.11.7"), ORDINARY], Axes(threads=(1,)))
    assert [case.interpreter for case in found] == ["3.13"]
    assert axes.lacks(workload, named("3.11", "3.11.7").build) == "python>=3.12"


@pytest.mark.parametrize(("name", "value"), [("nope", "1"), ("rate", "x")])
def test_a_parameter_that_nobody_has_or_of_another_kind_is_refused(name: str, value: str) -> None:
    swept = Axes(threads=(1,), parameters={name: (value,)})
    with pytest.raises(UsageError, match="--set"):
        list(cases([make_workload(parameters={"rate": 40})], [ORDINARY], swept))


def test_times_are_read_with_their_unit_and_sorted_from_long_to_short() -> None:
    assert axes.parse_switch_intervals("0.1ms,5ms, 10us") == pytest.approx((0.005, 0.0001, 0.00001))


@pytest.mark.parametrize("text", ["", "5", "0ms", "-1ms", "5 parsecs", "1ms,,2ms", "9" * 30 + "s", "nan s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--switch-interval"):
        axes.parse_switch_intervals(text)


def test_the_gil_is_on_off_or_both() -> None:
    assert axes.parse_gil("off, on,off") == (False, True)
    with pytest.raises(UsageError, match="--gil"):
        axes.parse_gil("maybe")
    assert axes.parse_jit("on,off") == (True, False)
    with pytest.raises(UsageError, match="--jit"):
        axes.parse_jit("")


def test_cpus_are_counts_up_to_those_there_are() -> None:
    assert axes.parse_cpus("all,1", 4) == (1, 4)
    for text in ("0", "5", "x", "", "1,,2"):
        with pytest.raises(UsageError, match="--cpus"):
            axes.parse_cpus(text, 4)


def test_a_budget_is_a_second_or_more() -> None:
    assert [axes.parse_budget(text) for text in ("90s", "5m", "1h")] == [90, 300, 3600]
    for text in ("0s", "5", "", "10ms"):
        with pytest.raises(UsageError, match="--budget"):
            axes.parse_budget(text)


def test_settings_are_names_with_one_or_more_values() -> None:
    assert axes.parse_settings(["rate=1,2", "main=busy"]) == {"rate": ("1", "2"), "main": ("busy",)}
    for text in ("rate", "rate=", "=1", "a b=1", "rate=1,,2"):
        with pytest.raises(UsageError, match="--set"):
            axes.parse_settings([text])


@given(st.text(max_size=30))
def test_any_text_is_an_axis_or_a_usage_error(text: str) -> None:
    for read in (axes.parse_gil, axes.parse_jit, axes.parse_switch_intervals, axes.parse_budget):
        with contextlib.suppress(UsageError):
            assert read(text)


def test_a_variant_is_named_by_what_it_was_made_to_run_with() -> None:
    case = Case(workload="w", interpreter="3.13t", threads=2, gil=True, switch_interval=0.001, cpus=1)
    assert variant(case) == "3.13t GIL on 1.00 ms 1 CPU"
    assert variant(Case(workload="w", interpreter="3.14", threads=2, jit=False)) == "3.14 JIT off"
    assert variant(Case(workload="w", interpreter="2.7", threads=2)) == "2.7"
