from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from studies import make_header, make_profile, make_workload, named

from gilbench.host.placement import Layout, place
from gilbench.model.errors import UsageError
from gilbench.model.study import Case, Plan, Workload
from gilbench.plan.axes import Axes, cases, parse_threads
from gilbench.plan.blocks import (
    EFFORTS,
    LATENCY_SLICES,
    Group,
    groups,
    make_plan,
    slice_order,
    slice_seconds,
)
from gilbench.plan.default_threads import default_threads

INTERPRETERS = (named("3.13"), named("3.13t", free_threaded=True))
COUNTDOWN = make_workload()
ECHO = make_workload("tcp_echo", "io")
LOADED = make_workload("tcp_echo_cpu", "mixed")
DELIVERY = make_workload(
    "delivery", "signals", parameters={"main": "asleep"}, choices={"main": ("asleep", "busy")}
)


def planned(*workloads: Workload, **changes: Any) -> Plan:
    axes = {name: changes.pop(name) for name in Axes._fields if name in changes}
    known: dict[str, Any] = {
        "effort": make_profile(),
        "interpreters": INTERPRETERS,
        "workloads": workloads or (COUNTDOWN,),
        "reference": "3.13",
        "seed": 7,
        "cpus": (0, 1),
        **changes,
    }
    matrix = cases(known["workloads"], known["interpreters"], Axes(**{"threads": (1, 2), **axes}))
    return make_plan(list(matrix), **known)


def order_of(
    plan: Plan, group: Group, attempt: int = 0, workload: Workload = COUNTDOWN
) -> list[tuple[int, int]]:
    return slice_order(plan, group, attempt, workload)


# --- the matrix -----------------------------------------------------------------------------------------


def test_the_matrix_is_every_workload_on_every_interpreter_with_every_thread_count() -> None:
    plan = planned(COUNTDOWN, make_workload("sha256", "offgil"))
    found = [(case.workload, case.threads, case.interpreter) for case in plan.cases]
    assert found == [
        (workload, threads, interpreter)
        for workload in ("countdown", "sha256")
        for threads in (1, 2)
        for interpreter in ("3.13", "3.13t")
    ]
    assert all(not case.observers and not case.parameters for case in plan.cases)


def test_a_workload_that_fixes_its_threads_is_run_with_those_alone() -> None:
    assert {case.threads for case in planned(ECHO, threads=(2, 4)).cases} == {1}


def test_a_workload_beside_threads_has_a_quiet_case_once() -> None:
    plan = planned(LOADED, threads=(1, 4))
    assert Counter(case.threads for case in plan.cases) == {0: 2, 1: 2, 4: 2}


def test_each_choice_of_a_parameter_is_a_case_and_the_default_is_not_written_down() -> None:
    plan = planned(DELIVERY, threads=(4,), interpreters=INTERPRETERS[:1])
    found = {(case.threads, case.parameters) for case in plan.cases}
    assert found == {(0, ()), (4, ()), (0, (("main", "busy"),)), (4, (("main", "busy"),))}


def test_where_few_choices_are_measured_there_is_the_default_alone_unless_it_is_swept() -> None:
    plan = planned(DELIVERY, threads=(1, 4), interpreters=INTERPRETERS[:1], few_choices=True)
    assert [(case.threads, case.parameters) for case in plan.cases] == [(0, ()), (1, ()), (4, ())]
    swept = planned(
        DELIVERY,
        threads=(4,),
        interpreters=INTERPRETERS[:1],
        few_choices=True,
        parameters={"main": ("busy",)},
    )
    assert {case.parameters for case in swept.cases} == {(("main", "busy"),)}


def test_an_observer_doubles_the_cases_and_leaves_the_timing_cases_alone() -> None:
    plan = planned(observers=("stacks",))
    assert Counter(case.observers for case in plan.cases) == {(): 4, ("stacks",): 4}


def test_no_case_is_in_a_plan_twice() -> None:
    plan = planned(COUNTDOWN, ECHO, LOADED, DELIVERY, observers=("stacks",))
    assert len(set(plan.cases)) == len(plan.cases)


@pytest.mark.parametrize("name", EFFORTS)
def test_more_of_anything_is_planned_to_take_longer(name: str) -> None:
    effort = EFFORTS[name]
    plain = planned(effort=effort).seconds
    assert 0 < plain < planned(COUNTDOWN, ECHO, effort=effort).seconds
    assert plain < planned(effort=effort, threads=(1, 2, 8)).seconds
    assert plain < planned(effort=effort, observers=("stacks",)).seconds
    longer = msgspec.structs.replace(effort, blocks=2 * effort.blocks)
    assert planned(effort=longer).seconds == pytest.approx(2 * plain)


def test_the_profiles_are_an_increasing_effort() -> None:
    blocks = [EFFORTS[name].blocks for name in ("quick", "standard", "rigorous")]
    assert blocks == sorted(set(blocks))
    assert blocks[0] >= 3


# --- order ----------------------------------------------------------------------------------------------


def test_each_block_has_each_workload_once_with_all_its_cases() -> None:
    plan = planned(COUNTDOWN, ECHO, LOADED)
    found = list(groups(plan, {}))
    assert Counter((group.block, group.workload) for group in found) == {
        (block, name): 1 for block in range(4) for name in ("countdown", "tcp_echo", "tcp_echo_cpu")
    }
    assert [group.block for group in found] == sorted(group.block for group in found)
    for group in found:
        assert {plan.cases[index].workload for index in group.cases} == {group.workload}
    assert sum(len(group.cases) for group in found) == 4 * len(plan.cases)


def test_the_same_seed_gives_the_same_order_and_another_seed_another() -> None:
    workloads = [make_workload(f"w{number}") for number in range(6)]
    one, same, other = (planned(*workloads, seed=seed) for seed in (7, 7, 8))
    assert list(groups(one, {})) == list(groups(same, {}))
    assert list(groups(one, {})) != list(groups(other, {}))
    group = next(groups(one, {}))
    assert order_of(one, group) == order_of(same, group)
    assert order_of(one, group) != order_of(other, group)


def test_the_workloads_are_not_in_the_same_order_in_every_block() -> None:
    plan = planned(*[make_workload(f"w{number}") for number in range(6)])
    orders = {tuple(g.workload for g in groups(plan, {}) if g.block == block) for block in range(4)}
    assert len(orders) > 1


def test_a_block_that_is_begun_anew_has_another_order() -> None:
    plan = planned(threads=(1, 2, 3, 4))
    group = next(groups(plan, {}))
    assert order_of(plan, group, 0) != order_of(plan, group, 1)


@given(seed=st.integers(0, 2**32), slices=st.integers(1, 9), threads=st.sets(st.integers(1, 8), min_size=1))
def test_each_turn_holds_every_case_once(seed: int, slices: int, threads: set[int]) -> None:
    plan = planned(seed=seed, threads=sorted(threads), effort=make_profile(slices=slices))
    for group in groups(plan, {}):
        order = order_of(plan, group)
        assert [turn for turn, _ in order] == sorted(turn for turn, _ in order)
        for turn in range(slices):
            assert sorted(index for number, index in order if number == turn) == sorted(group.cases)


@pytest.mark.parametrize(("left", "times"), [(8, 1), (5, 1), (4, 2), (2, 4), (1, 4)])
def test_a_block_of_the_few_cases_that_are_undecided_has_more_turns(left: int, times: int) -> None:
    plan = planned(threads=(1, 2, 3, 4))
    group = next(groups(plan, {}))
    few = group._replace(cases=group.cases[:left])
    assert Counter(index for _, index in order_of(plan, few)) == dict.fromkeys(
        few.cases, times * plan.effort.slices
    )


@given(slices=st.integers(1, 9))
def test_an_observed_case_has_one_slice_in_the_middle(slices: int) -> None:
    plan = planned(observers=("stacks",), effort=make_profile(slices=slices))
    group = next(groups(plan, {}))
    order = order_of(plan, group)
    for index in group.cases:
        turns = [turn for turn, case in order if case == index]
        assert turns == ([slices // 2] if plan.cases[index].observers else list(range(slices)))


def test_a_case_that_is_served_on_schedule_has_few_long_slices() -> None:
    plan = planned(LOADED)
    group = next(groups(plan, {}))
    order = order_of(plan, group, workload=LOADED)
    assert Counter(index for _, index in order) == dict.fromkeys(group.cases, LATENCY_SLICES)


def test_a_slice_is_longer_for_more_threads_and_for_an_observer() -> None:
    effort = make_profile(slice_seconds=0.04)
    counts = (0, 1, 2, 4, 8, 16, 64)
    lengths = [slice_seconds(Case(workload="w", interpreter="i", threads=n), effort) for n in counts]
    assert lengths == pytest.approx([0.04, 0.04, 0.04, 0.08, 0.08, 0.16, 0.64])
    watched = Case(workload="w", interpreter="i", threads=1, observers=("stacks",))
    assert slice_seconds(watched, effort) > lengths[1] * effort.slices


def test_slices_that_are_long_because_of_many_threads_are_fewer() -> None:
    plan = planned(COUNTDOWN, threads=(1, 4, 16, 64), effort=make_profile(slices=8, slice_seconds=0.04))
    order = order_of(plan, next(iter(groups(plan, {}))))
    for threads, rounds in ((1, 8), (4, 8), (16, 4), (64, 1)):
        for index, case in enumerate(plan.cases):
            if case.threads == threads:
                mine = [round_ for round_, other in order if other == index]
                assert len(mine) == len(set(mine)) == rounds
    seconds = {
        threads: sum(
            slice_seconds(plan.cases[index], plan.effort)
            for _, index in order
            if plan.cases[index].threads == threads
        )
        for threads in (4, 16, 64)
    }
    assert max(seconds.values()) == pytest.approx(min(seconds.values()))


@given(st.integers(1, 600))
def test_default_threads_are_sorted_and_within_twice_the_cores(cores: int) -> None:
    counts = default_threads(cores, [COUNTDOWN])
    assert list(counts) == sorted(set(counts))
    assert {1, 2} <= set(counts)
    assert max(counts) <= max(2, 2 * cores)


def test_more_workloads_leave_time_for_fewer_threads() -> None:
    few = default_threads(64, [COUNTDOWN])
    many = default_threads(64, [make_workload(f"w{number}") for number in range(40)])
    assert set(many) < set(few)
    assert 64 in few


# --- thread counts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("1", (1,)),
        ("4,1,2", (1, 2, 4)),
        ("1,cores,2x", (1, 8, 16)),
        (" 1 , CORES ,3X", (1, 8, 24)),
        ("8,cores,1x", (8,)),
        ("512", (512,)),
    ],
)
def test_thread_counts_are_read_sorted_and_without_doubles(text: str, counts: tuple[int, ...]) -> None:
    assert parse_threads(text, 8) == counts


@pytest.mark.parametrize(
    "text",
    [
        *("0", "x", "-1", "", ",", "1,,2", "1,2,", "0x", "x2", "-2x", "1.5", "1e3", "two", "+1", "1 2", "²"),
        *("513", "1000x", "9" * 5000, "9" * 5000 + "x"),
    ],
)  # fmt: skip
def test_what_is_no_thread_count_is_refused_in_one_line_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_threads(text, 8)
    said = str(raised.value)
    assert said.startswith("--threads: ")
    assert "\n" not in said
    assert len(said) < 200


@given(st.text(max_size=12))
def test_any_text_is_thread_counts_or_a_usage_error(text: str) -> None:
    try:
        counts = parse_threads(text, 2)
    except UsageError:
        return
    assert counts
    assert all(1 <= count <= 512 for count in counts)


# --- CPUs -----------------------------------------------------------------------------------------------


def case(threads: int = 1, cpus: int | None = None) -> Case:
    return Case(workload="w", interpreter="i", threads=threads, cpus=cpus)


def test_one_computing_thread_gets_one_cpu_and_the_next_turn_the_next() -> None:
    sets = [place(case(), "parallel", Layout((3, 5, 7)), turn).cpus for turn in range(4)]
    assert sets == [(3,), (5,), (7,), (3,)]


def test_cases_of_one_turn_are_on_the_same_cpu() -> None:
    one = Case(workload="w", interpreter="3.13", threads=1)
    other = Case(workload="w", interpreter="3.13t", threads=1)
    assert place(one, "parallel", Layout((0, 1)), 5) == place(other, "parallel", Layout((0, 1)), 5)


def test_several_threads_get_as_many_cpus_and_the_load_generator_one_of_its_own() -> None:
    layout = Layout((0, 1, 2))
    assert place(case(2), "parallel", layout, 1).cpus == (1, 2)
    assert place(case(3), "parallel", layout, 1).cpus == (1, 2, 0)
    assert place(case(9), "parallel", layout, 1).cpus == (1, 2, 0)
    assert place(case(1), "service", layout, 1) == ((1, 2), 1, 0)
    assert place(case(0), "signals", layout, 1) == ((1, 2), 1, 0)
    assert place(case(1), "inside", layout, 1).cpus == (1, 2, 0)  # without a load generator


def test_a_quota_limits_the_cpus_unless_the_case_sets_them() -> None:
    host = make_header(planned(COUNTDOWN), INTERPRETERS, [COUNTDOWN], cores=1, quota=1.5).host
    layout = Layout((0, 1), host)
    assert place(case(4), "parallel", layout, 0).cpus == (0,)
    assert place(case(4, cpus=2), "parallel", layout, 0).cpus == (0, 1)
    assert place(case(1), "service", layout, 0) == ((0,), 0, 1)


def test_a_case_that_says_how_many_cpus_gets_so_many() -> None:
    assert place(case(4, cpus=2), "parallel", Layout((0, 1, 2)), 2).cpus == (2, 0)


@given(st.integers(1, 8), st.integers(0, 30))
def test_the_server_and_its_client_are_apart_where_there_are_two_cpus(count: int, turn: int) -> None:
    placed = place(case(0), "service", Layout(tuple(range(count))), turn)
    assert (placed.serving != placed.peer) == (count > 1)
    assert placed.serving in placed.cpus
