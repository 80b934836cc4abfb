"""Limits of a profile."""

from __future__ import annotations

import pytest
from profiles import contended, free_threaded, make_profile, make_thread, sampled

from gilbench.analyse.profile.limits import exit_code, judge, parse_limit
from gilbench.model.errors import UsageError
from gilbench.model.profile import Profile
from gilbench.model.profile_results import Limited
from gilbench.model.threads import sum_of


def held_to(profile: Profile, text: str) -> Limited:
    return judge(profile, parse_limit(text))


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("gil_held<100%", "pass"),
        ("gil_held<90%", "exceeded"),
        ("gil_wait < 200 %", "pass"),
        ("gil_wait<20%", "exceeded"),
        ("wait_share<70%", "pass"),
        ("longest_hold<50ms", "pass"),
        ("longest_hold<0.04s", "exceeded"),
        ("longest_wait<=52.3ms", "pass"),
        ("cpu<10s", "pass"),
        ("cpus<0.9", "exceeded"),
        ("memory_peak<64MiB", "pass"),
        ("acquires>100", "pass"),
        ("acquires>1000", "exceeded"),
        ("crunch: gil_held<95%", "pass"),
        ("serve*: gil_held<1%", "exceeded"),
        ("MainThread: gil_wait<1%", "pass"),
    ],
)
def test_a_counted_value_keeps_a_limit_or_exceeds_it(text: str, verdict: str) -> None:
    assert held_to(contended(), text).verdict == verdict


def test_a_group_of_threads_is_held_to_the_sum_and_to_the_longest() -> None:
    found = held_to(contended(), "crunch: gil_held<95%")
    assert found.figure.value == pytest.approx(0.94)
    assert found.count == 2
    assert held_to(contended(), "crunch: longest_wait<1s").figure.value == 0.0481


def test_threads_that_were_summed_up_are_found_by_their_pattern() -> None:
    total = sum_of([make_thread(n, 0.0001, name=f"request-{n}") for n in range(500)], "request-*")
    found = held_to(make_profile(make_thread(1, 0.5, name="MainThread"), total), "request-*: gil_held<10%")
    assert (found.verdict, found.count) == ("pass", 500)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [("gil_held<98%", "pass"), ("gil_held<95%", "inconclusive"), ("gil_held<90%", "exceeded")],
)
def test_a_sampled_value_near_the_limit_is_inconclusive(text: str, verdict: str) -> None:
    """94% with an error of 3 points."""
    assert held_to(sampled(), text).verdict == verdict


def test_exit_codes_are_those_of_a_check() -> None:
    found = {text: held_to(sampled(), f"gil_held<{text}") for text in ("98%", "95%", "90%")}
    assert exit_code([found["98%"]], strict=True) == 0
    assert exit_code([found["98%"], found["95%"]], strict=False) == 0
    assert exit_code([found["98%"], found["95%"]], strict=True) == 3
    assert exit_code([found["90%"], found["95%"]], strict=True) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "write for example"),
        ("gil_wait", "write for example"),
        ("gil_wait<", "write for example"),
        ("gil_wait==20%", "write for example"),
        ("gil_wait<-5%", "write for example"),
        ("gil<20%", "unknown metric gil; use gil_held, gil_wait"),
        ("gil_wait<20", "unit '' does not suit gil_wait; use %"),
        ("gil_wait<20ms", "unit 'ms' does not suit gil_wait; use %"),
        ("longest_hold<20%", "use s, ms, us"),
        ("cpus<2s", "leave it out"),
        ("worker-*: memory_peak<1GiB", "leave out 'worker-*'"),
        ("x" * 5000, "write for example"),
    ],
)
def test_nonsense_is_refused_with_what_would_be_right(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_limit(text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_what_the_profile_does_not_know_is_no_pass() -> None:
    with pytest.raises(UsageError, match=r"did not measure gil_wait .*; profile again as root"):
        held_to(sampled(), "gil_wait<20%")
    with pytest.raises(UsageError, match=r"has no GIL.*use parked"):
        held_to(free_threaded(), "gil_wait<20%")
    with pytest.raises(UsageError, match="has a GIL; use gil_wait"):
        held_to(contended(), "parked<20%")
    assert held_to(free_threaded(), "parked<50%").verdict == "pass"


def test_a_pattern_without_a_thread_names_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"no thread matches; the profile has MainThread, crunch \(101\)"):
        held_to(contended(), "wroker-*: gil_held<50%")
