from __future__ import annotations

import msgspec
import pytest
from profiles import EXACT, SAMPLED, contended, free_threaded, interpreted, make_profile, make_thread, sampled

from gilbench.model.profile import LOCK, NO_FUNCTION, Blame, Blocked, GilSwitch, Pause, Probe, Profile, Stack
from gilbench.model.study import Share


def said(profile: Profile) -> str:
    return texts(interpreted(profile))


def texts(profile: Profile) -> str:
    return "\n".join(finding.text for finding in profile.findings)


def test_waiting_is_told_as_a_share_of_the_runnable_time() -> None:
    text = said(make_profile(make_thread(1, 0.5, 0.4), make_thread(2, 0.4, 0.5, off_gil=0.1)))
    assert "Threads spent 47% of their runnable time waiting for the GIL." in text


def test_hardly_any_waiting_is_said_to_be_so() -> None:
    assert "spent only 0.6% of their runnable time" in said(make_profile(make_thread(1, 0.9, 0.005)))


def test_no_runnable_thread_gives_no_share() -> None:
    assert "No thread was runnable." in said(make_profile(make_thread(1, 0.0)))


def test_a_sampled_share_carries_its_error_and_says_what_it_does_not_know() -> None:
    text = texts(sampled())
    assert "held the GIL 94% (±3%) of the time" in text
    assert "GIL waits are unknown: no available probe records them." in text
    assert "predicted" not in text
    assert "waiting" not in text


def test_figures_of_futex_waits_are_called_about() -> None:
    futex = Probe(strength="futex", name="futex waits")
    assert "spent about 44% of" in said(make_profile(make_thread(1, 0.5, 0.4), probe=futex))


def test_an_error_that_is_larger_than_the_figure_is_no_waiting() -> None:
    probe = msgspec.structs.replace(SAMPLED, error=0.1)
    assert "spent only 5% (±10%)" in said(make_profile(make_thread(1, 0.9, 0.05), probe=probe))


def test_a_function_is_never_tied_to_a_thread_or_a_hold_that_samples_do_not_name() -> None:
    text = texts(contended())
    assert "crunch (101) held the GIL most: 52% of the time, up to 41.0 ms per hold." in text
    assert "Top GIL-holding function: parse (app.py:20), 62% of samples." in text


def test_the_longest_hold_may_be_of_another_thread_than_the_most() -> None:
    text = said(make_profile(make_thread(1, 0.6, longest_hold=0.005), make_thread(2, 0.1, longest_hold=0.05)))
    assert "worker-1 held the GIL most: 60% of the time.\nworker-2 had the longest hold: 50.0 ms." in text


def test_a_culprit_is_named_only_where_there_are_others_and_most_waiting_is_due_to_it() -> None:
    threads = [make_thread(number, 0.3, 0.3) for number in (1, 2, 3)]
    one = Blame(holder=1, waiter=2, seconds=5.0, count=9)
    other = Blame(holder=3, waiter=2, seconds=1.0, count=9)
    assert "83% of the GIL wait time began while worker-1 held the GIL." in said(
        make_profile(*threads, blames=(one, other))
    )
    even = msgspec.structs.replace(other, seconds=5.0)
    assert "began while" not in said(make_profile(*threads, blames=(one, even)))
    assert "began while" not in said(make_profile(*threads, blames=(one,)))


def test_a_program_that_gains_nothing_is_told_so() -> None:
    assert "would gain nothing on 2 CPUs: the speedup is at most 1.00x" in said(
        make_profile(make_thread(1, 1.0))
    )


def test_a_prediction_without_a_measured_cost_says_so() -> None:
    threads = make_thread(1, 0.5, 0.5), make_thread(2, 0.5, 0.5)
    assert "at most 2.00x; predicted 2.00x, excluding the unmeasured cost of a free-threaded build" in said(
        make_profile(*threads)
    )
    costly = interpreted(make_profile(*threads), one_thread_cost=1.4, predicted=1.43)
    assert "predicted 1.43x, with Python code taking 1.40x as long" in texts(costly)


def test_what_was_measured_is_told_with_its_interval() -> None:
    text = texts(contended())
    assert text.startswith(
        "Measured on 3.13t: less than predicted: speedup 1.31x (95% interval 1.27x to 1.36x), predicted 1.77x."
    )


def measured(value: float, spread: float = 0.02, cpu: float | None = None) -> Profile:
    """Two threads that compute: 2.00x is predicted."""
    return interpreted(
        make_profile(make_thread(1, 0.5, 0.5), make_thread(2, 0.5, 0.5)),
        measured=value,
        measured_lo=value - spread,
        measured_hi=value + spread,
        measured_on="3.13t",
        measured_cpu=cpu,
    )


def test_a_program_that_gains_less_than_predicted_is_told_so_first() -> None:
    found = measured(1.4).findings
    assert found[0].text == (
        "Measured on 3.13t: less than predicted: speedup 1.40x (95% interval 1.38x to 1.42x), predicted 2.00x."
    )
    assert [finding.kind for finding in found].count("measured") == 1
    slower = measured(0.6).findings[0].text
    assert slower.startswith("Measured on 3.13t: the program is slower without the GIL: speedup 0.600x")
    assert measured(1.9).findings[0].kind == "waiting"
    assert measured(1.6, spread=0.5).findings[0].kind == "waiting", "it may be as predicted"


def test_what_is_left_as_the_cause_is_told_by_the_cpu_time() -> None:
    def cause(cpu: float | None) -> str:
        return next(one.text for one in measured(0.6, cpu=cpu).findings if one.kind == "cause")

    assert "3.10x the CPU time: threads did not wait" in cause(3.1)
    assert "reference counts" in cause(3.1)
    assert "waited for locks, for each other, or for a free CPU" in cause(1.02)
    assert "locks, or slow each other down" in cause(None)
    assert not [one for one in measured(1.95, cpu=3.0).findings if one.kind == "cause"]


def test_a_program_that_hardly_ran_has_no_share_of_waiting() -> None:
    text = said(make_profile(make_thread(1, 0.002, 0.001)))
    assert "Threads were runnable for only 0.3% of the time." in text
    assert "waiting for the GIL" not in text
    probe = msgspec.structs.replace(SAMPLED, error=0.03)
    unsure = said(make_profile(make_thread(1, 0.1, 0.05), probe=probe))
    assert "Threads were runnable for only 15% (±3%) of the time." in unsure


def test_a_holder_within_the_error_is_left_out() -> None:
    probe = msgspec.structs.replace(SAMPLED, error=0.16)
    assert "held the GIL most" not in said(make_profile(make_thread(1, 0.1, 0.0), probe=probe))


def test_functions_are_named_only_where_the_samples_stand_for_the_time() -> None:
    functions = (Share(name="parse (app.py:20)", value=0.002),)
    hardly = make_profile(make_thread(1, 0.9), functions=functions)
    assert "Top" not in said(hardly), "0.2% of the samples of a GIL that was held 90% of the time"
    stacks = (Stack(tid=1, thread="a", frames=("parse",), samples=800),)
    flat = make_profile(
        make_thread(1, 0.5), functions=(Share(name="parse", value=0.05),), stacks=stacks, stack_rate=200
    )
    assert "Top GIL-holding function: parse, 5.0% of samples." in said(flat)
    nothing = (Share(name=NO_FUNCTION, value=0.4), Share(name="parse", value=0.06))
    assert "Top GIL-holding function: parse" in said(msgspec.structs.replace(flat, functions=nothing))
    few = msgspec.structs.replace(flat, stacks=(msgspec.structs.replace(stacks[0], samples=80),))
    assert "Top" not in said(few)


def test_of_many_threads_the_group_is_named() -> None:
    pool = [
        make_thread(
            n, 0.005, 0.009, name=f"request-{n}", alive=0.02, longest_hold=0.001 * n, longest_wait=0.001
        )
        for n in range(100)
    ]
    text = said(make_profile(make_thread(999, 0.1, name="MainThread", longest_hold=0.5), *pool))
    assert "request-* (100 threads) held the GIL most: 50% of the time." in text
    assert "MainThread had the longest hold: 500 ms." in text
    assert "One of request-* (100 threads) had the longest GIL wait: 1.00 ms." in text


def test_a_starved_thread_is_named_where_the_program_as_a_whole_gains_little() -> None:
    text = said(make_profile(make_thread(1, 0.98, 0.01), make_thread(2, 0.01, 0.95, name="serve")))
    assert (
        "serve waited for the GIL 95% of its lifetime; without waits it could run up to 20.0x as fast."
        in text
    )


def test_threads_of_one_name_are_told_apart() -> None:
    text = said(
        make_profile(make_thread(1, 0.6, name="w"), make_thread(2, 0.3, name="w"), make_thread(3, name=""))
    )
    assert "w (1) held the GIL most" in text


def test_without_any_probe_nothing_is_claimed() -> None:
    probe = Probe(strength=None, name="none", reason="bpftrace needs root")
    text = said(make_profile(make_thread(1, None, None), probe=probe))
    assert text == "Which threads held the GIL is unknown: bpftrace needs root"


def test_contention_without_a_gil_names_the_lock_the_function_and_the_pauses() -> None:
    text = texts(free_threaded())
    assert "spent 21% of their runnable time parked or stopped" in text
    assert "mostly on: object lock (4.20 s, park count 16326, longest 4.20 ms)." in text
    assert "_PyMutex_LockSlow <- dict_subscript, 91% of parked time." in text
    assert "37 stop-the-world pauses: 118 ms total, longest 14.1 ms." in text
    assert "GIL" not in text


@pytest.mark.parametrize(("count", "words"), [(1, "1 stop-the-world pause: 100 ms total"), (0, None)])
def test_pauses_are_counted_in_words(count: int, words: str | None) -> None:
    text = said(
        make_profile(
            make_thread(1, None, 0.0, off_gil=1.0),
            free_threaded=True,
            gil_enabled=False,
            pauses=Pause(count=count, seconds=0.1, longest=0.1),
        )
    )
    assert (words in text) if words else ("stop-the-world" not in text)
    assert "spent only 0.0% of their runnable time parked or stopped" in text


def test_unknown_parking_is_said_to_be_unknown() -> None:
    profile = make_profile(make_thread(1, None, None), free_threaded=True, gil_enabled=False, probe=EXACT)
    assert said(profile) == "The time parked on locks is unknown."


def test_each_finding_has_a_kind_and_names_its_subject() -> None:
    found = {finding.kind: finding.subject for finding in contended().findings}
    assert found == {
        "waiting": None,
        "holder": "crunch (101)",
        "function": "parse (app.py:20)",
        "program_lock": "log-1",
        "longest_wait": "serve [red]",
        "blame": "crunch (101)",
        "what_if": None,
        "replay": None,
        "measured": "3.13t",
        "cause": None,
        "starved": "serve [red]",
    }
    assert [finding.kind for finding in free_threaded().findings] == ["parked", "function", "pauses"]
    assert free_threaded().findings[0].subject == "object lock"


def test_a_gain_that_is_not_yet_measured_names_the_next_step() -> None:
    (gain,) = [one for one in sampled().findings if one.kind == "what_if"]
    assert "--verify" in str(gain.next)
    (gain,) = [one for one in contended().findings if one.kind == "what_if"]
    assert gain.next is None, "it is measured"
    nothing = interpreted(make_profile(make_thread(1, 1.0)))
    assert all(finding.next is None for finding in nothing.findings)


def test_of_a_program_that_ended_at_once_nothing_is_said_but_that() -> None:
    short = interpreted(make_profile(make_thread(1, 1.0), duration=1e-9))
    assert [finding.kind for finding in short.findings] == ["too_short"]
    assert short.what_if is None


def test_an_import_that_enabled_the_gil_is_named_with_its_moment() -> None:
    switched = {"free_threaded": True, "gil_switch": GilSwitch(after=0.3, module="legacy", left_out=0.8)}
    profile = interpreted(make_profile(make_thread(1, 0.5, 0.5), **switched))
    assert profile.findings[0].subject == "legacy"
    assert "was enabled 300 ms after the start, by an import of legacy, which does not" in texts(profile)
    assert "PYTHON_GIL=0" in (profile.findings[0].next or "")
    unknown = {**switched, "gil_switch": GilSwitch(after=None, module=None)}
    assert "enabled before the profile, by an import of an extension" in said(make_profile(**unknown))


def test_nothing_is_told_of_waits_that_no_probe_of_the_gil_has_seen() -> None:
    probe = Probe(
        strength=None, name="parking", reason="the profile ended before a probe of the GIL was placed"
    )
    switch = GilSwitch(after=0.3, module="legacy")
    text = said(make_profile(make_thread(1, None, None), probe=probe, gil_switch=switch, free_threaded=True))
    assert "Which threads held the GIL is unknown: the profile ended before" in text


def with_a_lock(samples: float, threads: int = 3, other: float = 0.0) -> Profile:
    """Threads that were looked at 100 times; in so many samples each slept for one lock, and on a socket."""
    emit, fetch = "Handler.acquire (logging/__init__.py:927)", "fetch (app.py:3)"
    crew = [make_thread(tid, name=f"log-{tid}", looks=100) for tid in range(1, threads + 1)]
    blocked = [Blocked(tid=one.tid, kind=LOCK, function=emit, samples=samples, lock=4096) for one in crew]
    blocked += [Blocked(tid=one.tid, kind="socket", function=fetch, samples=other) for one in crew]
    return make_profile(*crew, blocked=tuple(blocked))


def test_a_lock_of_the_program_that_its_threads_hold_in_turn_is_named() -> None:
    text = said(with_a_lock(60.0, other=30.0))
    assert (
        "log-1, log-2, and log-3 waited for a lock of the program 60% of the time, in Handler.acquire "
        "(logging/__init__.py:927). That lock is not the GIL."
    ) in text


def test_a_lock_for_which_many_threads_wait_is_named_with_their_pattern() -> None:
    assert "log-* (40 threads) waited for a lock of the program 70%" in said(with_a_lock(70.0, threads=40))


@pytest.mark.parametrize(
    ("samples", "threads", "other"),
    [
        (99.0, 3, 0.0),  # all of them are idle: the lock hands out work
        (60.0, 1, 0.0),  # no other thread
        (30.0, 3, 60.0),  # they wait for a socket, mostly
        (3.0, 3, 0.0),  # hardly
    ],
)
def test_other_locks_of_the_program_are_no_finding(samples: float, threads: int, other: float) -> None:
    assert "lock of the program" not in said(with_a_lock(samples, threads, other))
