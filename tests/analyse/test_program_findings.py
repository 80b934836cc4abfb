from __future__ import annotations

import msgspec
import pytest
from profiles import EXACT, SAMPLED, contended, free_threaded, interpreted, make_profile, make_thread, sampled

from gilbench.model.profile import Blame, Pause, Probe, Profile


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
    assert "Measured on 3.13t: speedup 1.31x (95% interval 1.27x to 1.36x)." in text


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
        "longest_wait": "serve [red]",
        "blame": "crunch (101)",
        "what_if": None,
        "replay": None,
        "measured": "3.13t",
        "starved": "serve [red]",
    }
    assert [finding.kind for finding in free_threaded().findings] == ["parked", "function", "pauses"]
    assert free_threaded().findings[0].subject == "object lock"


def test_a_gain_that_is_not_yet_measured_names_the_next_step() -> None:
    (gain,) = [one for one in sampled().findings if one.kind == "what_if"]
    assert "--verify" in str(gain.next)
    assert all(finding.next is None for finding in contended().findings), "it is measured"
    nothing = interpreted(make_profile(make_thread(1, 1.0)))
    assert all(finding.next is None for finding in nothing.findings)


def test_of_a_program_that_ended_at_once_nothing_is_said_but_that() -> None:
    short = interpreted(make_profile(make_thread(1, 1.0), duration=1e-9))
    assert [finding.kind for finding in short.findings] == ["too_short"]
    assert short.what_if is None
