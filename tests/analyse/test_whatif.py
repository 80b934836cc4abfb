from __future__ import annotations

import math

import msgspec
import pytest
from gil_machine import MS, Step, run
from profiles import EXACT, SAMPLED, make_profile, make_thread

from gilbench.analyse.profile.report import interpret
from gilbench.analyse.profile.segments import segments, since
from gilbench.analyse.profile.whatif import program_cost, what_if, with_measured
from gilbench.model.profile import GilSwitch, Profile, ProfiledThread, Verified, WhatIf
from gilbench.model.results import Caveat


def answer(*threads: ProfiledThread, cores: int = 2, cost: float | None = None, **fields: object) -> WhatIf:
    found = what_if(make_profile(*threads, **fields), cores, cost=cost)
    assert found is not None
    return found


def equal(count: int) -> list[ProfiledThread]:
    """Threads that do nothing but compute in Python, and take turns."""
    return [make_thread(number, 1 / count, 1 - 1 / count) for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("threads", "cores", "gain"),
    [(1, 8, 1.0), (2, 2, 2.0), (2, 1, 1.0), (4, 2, 2.0), (4, 8, 4.0), (8, 8, 8.0)],
)
def test_threads_that_only_compute_gain_as_much_as_there_are_threads_and_cores(
    threads: int, cores: int, gain: float
) -> None:
    found = answer(make_thread(99, name="MainThread"), *equal(threads), cores=cores)
    assert found.bound == pytest.approx(gain)
    assert found.predicted == pytest.approx(gain)


def test_who_does_not_wait_gains_nothing_however_much_the_gil_is_held() -> None:
    found = answer(make_thread(1, 0.6), make_thread(2, 0.1, off_gil=0.9), cores=8)
    assert found.bound == pytest.approx(1.0)
    assert found.predicted == pytest.approx(1.0)


def test_no_more_can_be_saved_than_was_waited() -> None:
    found = answer(make_thread(1, 0.3, 0.1), make_thread(2, 0.3, 0.1), cores=8)
    assert found.bound == pytest.approx(1 / 0.8)
    assert found.predicted == pytest.approx(1 / 0.9)


def test_the_busiest_thread_is_a_bound_for_the_program() -> None:
    found = answer(make_thread(1, 0.75, 0.25), make_thread(2, 0.25, 0.75), cores=8)
    assert found.bound == pytest.approx(1 / 0.75)
    assert found.predicted == pytest.approx(1 / 0.75)


def test_threads_that_keep_the_cores_busy_outside_the_gil_leave_none_for_the_others() -> None:
    threads = [make_thread(number, 0.1, 0.1, off_gil=0.4) for number in range(1, 5)]
    assert answer(*threads, cores=2).bound == pytest.approx(1.0)
    assert answer(*threads, cores=4).bound > 1.5


def test_a_thread_that_sleeps_with_the_gil_needs_no_core_but_its_own_time() -> None:
    threads = [make_thread(number, 0.25, 0.75, cpu=0.001) for number in range(1, 5)]
    assert answer(*threads, cores=2).bound == pytest.approx(4.0)


def test_a_main_thread_that_is_joining_is_no_bound() -> None:
    assert answer(make_thread(9, 0.0, 0.0, blocked=1.0), *equal(2)).bound == pytest.approx(2.0)


@pytest.mark.parametrize("interval", [MS // 10, MS, 5 * MS])
@pytest.mark.parametrize("handover", [0, MS // 50, MS // 3, 3 * MS])
@pytest.mark.parametrize("threads", [2, 3, 16])
@pytest.mark.parametrize(
    "steps",
    [
        [("python", 40 * MS)],
        [("python", MS)] * 30,
        [("python", MS // 5), ("native", MS // 2)] * 30,
        [("python", MS // 50), ("sleep", MS // 3)] * 30,
        [("python", 4 * MS), ("sleep", 20 * MS)] * 3,
        [("python", 2 * MS), ("native", 9 * MS), ("python", 20 * MS), ("sleep", 5 * MS)],
    ],
)
def test_the_bound_holds_whatever_is_done_with_the_gil(
    steps: list[Step], threads: int, handover: int, interval: int
) -> None:
    uneven = [[*steps, ("python", 1 + number * MS)] for number in range(threads)]
    for crew in ([steps] * threads, uneven):
        course = run(*crew, interval=interval, handover=handover)
        truth = course.seconds / run(*crew, gil=False).seconds
        profile = course.profile()
        told = what_if(profile, threads)
        summed = what_if(msgspec.structs.replace(profile, contended=None, free_wanted=None), threads)
        assert told is not None
        assert summed is not None
        assert truth <= told.bound * (1 + 1e-6)
        assert told.bound <= summed.bound * (1 + 1e-6), "the union of waits is at most their sum"
        assert told.predicted is not None
        assert told.predicted <= told.bound


def test_time_in_which_the_gil_is_handed_over_can_be_saved_too() -> None:
    two = [make_thread(number, 0.25, 0.75) for number in (1, 2)]
    found = answer(*two, cores=2, contended=1.0, free_wanted=0.5)
    assert found.bound == pytest.approx(4.0)
    assert found.predicted == pytest.approx(4.0)
    sixteen = [make_thread(number, 0.01, 0.9, blocked=0.09) for number in range(16)]
    found = answer(*sixteen, cores=16, contended=0.95, free_wanted=0.8)
    assert found.bound == pytest.approx(20.0)


def test_no_more_can_be_saved_than_the_time_in_which_any_thread_waited() -> None:
    four = [make_thread(number, 0.25, 0.375) for number in range(1, 5)]
    assert answer(*four, cores=8).bound == pytest.approx(4.0)
    found = answer(*four, cores=8, contended=0.5, free_wanted=0.0)
    assert found.bound == pytest.approx(2.0)
    assert found.predicted == pytest.approx(1 / (0.5 + 0.5 / 4))


def test_unknown_waits_limit_nothing_unless_there_is_one_thread() -> None:
    seen = [make_thread(number, 0.25, None, blocked=None) for number in (1, 2)]
    assert answer(*seen, cores=8, probe=SAMPLED).bound == pytest.approx(1 / 0.22)
    assert answer(*seen[:1], cores=8, probe=SAMPLED).bound == pytest.approx(1.0)


def test_start_up_counts_for_the_whole_run_and_does_not_lower_the_bound() -> None:
    found = answer(*equal(2), start_up=10.0)
    assert found.bound == pytest.approx(2.0)
    assert found.predicted == pytest.approx(20 / 15)


def test_slower_python_code_takes_from_the_gain_and_not_from_the_bound() -> None:
    found = answer(*equal(2), cost=1.25)
    assert found.bound == pytest.approx(2.0)
    assert found.predicted == pytest.approx(1.6)
    assert found.one_thread_cost == 1.25
    outside = answer(make_thread(1, 0.0, off_gil=1.0), make_thread(2, 0.0, off_gil=1.0), cost=1.25)
    assert outside.predicted == pytest.approx(1.0)


def test_a_single_thread_is_predicted_to_lose_what_the_build_costs() -> None:
    assert answer(make_thread(1, 1.0), cost=1.25).predicted == pytest.approx(0.8)


def test_the_prediction_is_never_above_the_bound() -> None:
    for held in (0.05, 0.2, 0.33):
        for wait in (0.0, 0.1, 0.5):
            found = answer(*(make_thread(number, held, wait) for number in range(3)), cores=4)
            assert found.predicted is not None
            assert 1.0 <= found.predicted <= found.bound + 1e-9


def test_phases_are_predicted_for_themselves() -> None:
    serial = make_profile(make_thread(1, 1.0), *(make_thread(n, 0.0) for n in (2, 3, 4, 5)), duration=5.0)
    shared = make_profile(
        make_thread(1, 0.0), *(make_thread(n, 0.25, 0.75) for n in (2, 3, 4, 5)), duration=5.0
    )
    whole = make_profile(make_thread(1, 0.5), *(make_thread(n, 0.125, 0.375) for n in (2, 3, 4, 5)))
    told = what_if(whole, 2, segments=(serial, shared))
    assert told is not None
    assert told.predicted == pytest.approx(10 / 7.5)


def test_sampled_shares_give_a_bound_that_knows_their_error_and_no_prediction() -> None:
    threads = make_thread(1, 0.5, None, blocked=None), make_thread(2, 0.4, None, blocked=None)
    found = answer(*threads, cores=8, probe=SAMPLED)
    assert found.predicted is None
    assert found.bound == pytest.approx(1 / 0.47)


def test_several_processes_have_a_bound_and_no_prediction() -> None:
    found = answer(make_thread(1, 0.5, 0.5), make_thread(2, 0.5, 0.5), make_thread(3, 0.9, pid=7), cores=8)
    assert found.predicted is None
    assert found.bound == pytest.approx(1 / 0.9)


def test_without_a_gil_or_without_figures_there_is_no_answer() -> None:
    assert what_if(make_profile(make_thread(1, 0.5, 0.1), gil_enabled=False), 2) is None
    assert what_if(make_profile(make_thread(1, None, None)), 2) is None
    assert what_if(make_profile(), 2) is None


def test_a_free_threaded_build_with_its_gil_on_has_an_answer() -> None:
    assert answer(*equal(2), free_threaded=True, gil_enabled=True).bound == pytest.approx(2.0)


def test_the_cost_of_python_code_is_more_than_that_of_a_program_that_is_half_asleep() -> None:
    busy, half = make_profile(make_thread(1, 1.0)), make_profile(make_thread(1, 0.5))
    assert program_cost(busy, 1.3) == pytest.approx(1.3)
    assert program_cost(half, 1.3) == pytest.approx(1.6)


def test_measured_is_the_ratio_within_each_round_with_its_interval() -> None:
    told = with_measured(WhatIf(cores=2, bound=2.0), (1.0, 2.0, 4.0), (0.5, 1.01, 1.98), "3.13t")
    assert told.measured == pytest.approx(2.0, rel=0.01)
    assert told.measured_lo is not None
    assert told.measured_hi is not None
    assert told.measured_lo < 2.0 < told.measured_hi
    nothing = with_measured(WhatIf(cores=2, bound=2.0), (), (), "3.13t")
    assert nothing.measured is None


def test_a_verified_profile_knows_the_cost_of_its_own_code_and_what_was_measured() -> None:
    unseen = Caveat(kind="unavailable", subject="stacks", text="x")
    times = Verified(
        original=(1.0, 1.1, 0.9),
        threaded=(0.6, 0.66, 0.55),
        gil_on=(1.25, 1.375, 1.125),
        complaints=("it failed",),
    )
    told = interpret(make_profile(*equal(2), caveats=(unseen,)), 2, verified=times, verified_on="3.13t")
    assert told.what_if is not None
    assert told.what_if.one_thread_cost == pytest.approx(1.25)
    assert told.what_if.predicted == pytest.approx(1.6)
    assert told.what_if.measured == pytest.approx(1.66, rel=0.01)
    failed = Caveat(kind="unavailable", subject="verify", text="--verify: it failed")
    assert told.caveats == (unseen, failed)
    assert any("Measured on 3.13t" in finding.text for finding in told.findings)
    assert told.costs[0].value == pytest.approx(10.0)


def test_a_program_that_failed_elsewhere_is_told_so_and_nothing_is_measured() -> None:
    times = Verified((), (), (), ("on 3.13t it ended with status 1 instead of 0",))
    told = interpret(make_profile(*equal(2)), 2, verified=times, verified_on="3.13t")
    assert told.what_if is not None
    assert told.what_if.measured is None
    assert told.what_if.one_thread_cost is None
    assert [caveat.text for caveat in told.caveats] == [
        "--verify: on 3.13t it ended with status 1 instead of 0"
    ]


def look(duration: float, held: float, **fields: object) -> Profile:
    return make_profile(make_thread(1, held, 0.0, switches=int(duration * 10), **fields), duration=duration)


def test_what_happened_between_two_looks_is_the_difference_of_their_times() -> None:
    first, second = look(10.0, 0.2, cpu=2.0), look(20.0, 0.5, cpu=10.0)
    segment = since(second, first)
    (thread,) = segment.threads
    assert segment.duration == 10.0
    assert thread.gil_held == pytest.approx(0.8)
    assert thread.cpu == pytest.approx(8.0)
    assert thread.switches == 100
    assert [one.duration for one in segments((first, second, second))] == [10.0, 10.0]


def test_the_union_of_waits_in_a_segment_is_what_it_grew_by() -> None:
    first = msgspec.structs.replace(look(10.0, 0.2), contended=0.1, free_wanted=0.1)
    second = msgspec.structs.replace(look(20.0, 0.5), contended=0.3, free_wanted=0.1)
    segment = since(second, first)
    assert (segment.contended, segment.free_wanted) == pytest.approx((0.5, 0.1))
    assert since(second, look(10.0, 0.2)).contended is None


def test_a_thread_that_had_ended_before_is_no_part_of_a_later_segment() -> None:
    both = make_profile(make_thread(1, 0.5), make_thread(2, 0.5), duration=10.0)
    later = make_profile(make_thread(1, 0.5), make_thread(2, 0.25, alive=0.5), duration=20.0)
    assert [thread.tid for thread in since(later, both).threads] == [1]


def test_what_is_unknown_stays_unknown_in_a_segment() -> None:
    first = msgspec.structs.replace(look(10.0, 0.2), probe=EXACT)
    second = make_profile(make_thread(1, None, None), duration=20.0)
    assert since(second, first).threads[0].gil_held is None
    assert math.isclose(since(second, first).threads[0].alive, 1.0)


def test_what_was_seen_before_the_gil_came_back_is_no_segment() -> None:
    switch = GilSwitch(after=1.0, module="legacy", left_out=1.5)
    before = make_profile(make_thread(1, None, 0.5), duration=1.4, gil_enabled=False)
    first, last = (
        make_profile(make_thread(1, 0.5, 0.5), duration=duration, gil_switch=switch)
        for duration in (1.0, 2.0)
    )
    assert [one.duration for one in segments((before, first, last))] == [1.0, 1.0]
    assert since(first, before) == first
    assert last.process.excluded == 1.5


def test_a_gil_that_was_forced_off_is_named_where_the_speedup_is() -> None:
    times = Verified((10.0, 10.0), (5.0, 5.0), (11.0, 11.0), (), forced=True)
    told = interpret(make_profile(*equal(2)), 2, verified=times, verified_on="3.13t")
    assert any("Measured on 3.13t (GIL forced off)" in finding.text for finding in told.findings)


def test_cpu_time_of_waking_up_while_waiting_disappears_with_the_gil() -> None:
    """16 threads that sleep with the GIL held, and wake up after every switch interval of 0.1 ms while they wait."""
    crew = [make_thread(number, 1 / 16, 15 / 16, cpu=0.06, context_switches=6000) for number in range(1, 17)]
    assert answer(*crew, duration=1.0).bound < 3
    assert answer(*crew, duration=1.0, wake_up=1.1e-5).bound > 10
    assert answer(*crew, duration=1.0, wake_up=1e-6).bound < 3
