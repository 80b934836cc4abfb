from __future__ import annotations

import msgspec
import pytest
from profiles import EXACT, SAMPLED, contended, free_threaded, judged, make_profile, make_thread, sampled

from gilbench.program import Blame, Pause, Probe, ProgramProfile


def said(profile: ProgramProfile) -> str:
    return "\n".join(judged(profile).findings)


def test_waiting_is_told_as_a_share_of_the_time_in_which_threads_wanted_to_run() -> None:
    text = said(make_profile(make_thread(1, 0.5, 0.4), make_thread(2, 0.4, 0.5, off_gil=0.1)))
    assert "Threads waited 47 % of the time in which they wanted to run for the GIL." in text


def test_hardly_any_waiting_is_said_to_be_so() -> None:
    assert "hardly waited for the GIL: 0.6 %" in said(make_profile(make_thread(1, 0.9, 0.005)))


def test_nobody_who_wants_to_run_gives_no_share() -> None:
    assert "No thread wanted to run." in said(make_profile(make_thread(1, 0.0)))


def test_a_sampled_share_carries_its_error_and_says_what_it_does_not_know() -> None:
    text = "\n".join(sampled().findings)
    assert "94 ± 3 %" in text
    assert "who waited for it is unknown" in text
    assert "predicted" not in text
    assert "waited 9" not in text


def test_figures_of_futex_waits_are_called_about() -> None:
    futex = Probe(strength="futex", name="futex waits")
    assert "waited about 44 %" in said(make_profile(make_thread(1, 0.5, 0.4), probe=futex))


def test_an_error_that_is_larger_than_the_figure_is_no_waiting() -> None:
    probe = msgspec.structs.replace(SAMPLED, error=0.1)
    assert "hardly waited" in said(make_profile(make_thread(1, 0.9, 0.05), probe=probe))


def test_a_function_is_never_tied_to_a_thread_or_a_hold_that_samples_do_not_name() -> None:
    text = "\n".join(contended().findings)
    assert "crunch (101) held it most, 52 % of the time, for up to 41.0 ms at once." in text
    assert "By samples, it was held most in parse (app.py:20): 62 % of them." in text


def test_the_longest_hold_may_be_of_another_thread_than_the_most() -> None:
    text = said(make_profile(make_thread(1, 0.6, longest_hold=0.005), make_thread(2, 0.1, longest_hold=0.05)))
    assert "worker-1 held it most, 60 % of the time, worker-2 held it for up to 50.0 ms at once." in text


def test_a_culprit_is_named_only_where_there_are_others_and_most_waiting_is_due_to_it() -> None:
    threads = [make_thread(number, 0.3, 0.3) for number in (1, 2, 3)]
    one = Blame(holder=1, waiter=2, seconds=5.0, count=9)
    other = Blame(holder=3, waiter=2, seconds=1.0, count=9)
    assert "83 % of the waiting began while worker-1 held it." in said(
        make_profile(*threads, blames=(one, other))
    )
    even = msgspec.structs.replace(other, seconds=5.0)
    assert "began while" not in said(make_profile(*threads, blames=(one, even)))
    assert "began while" not in said(make_profile(*threads, blames=(one,)))


def test_a_program_that_gains_nothing_is_told_so() -> None:
    assert "would gain nothing on 2 cores: at most 1.00x" in said(make_profile(make_thread(1, 1.0)))


def test_a_prediction_without_a_measured_cost_says_so() -> None:
    threads = make_thread(1, 0.5, 0.5), make_thread(2, 0.5, 0.5)
    assert "at most 2.00x faster; 2.00x is predicted, before the cost of a free-threaded build" in said(
        make_profile(*threads)
    )
    costly = judged(make_profile(*threads), one_thread_cost=1.4, predicted=1.43)
    assert "1.43x is predicted, with Python code at 1.40x its time" in "\n".join(costly.findings)


def test_what_was_measured_is_told_with_its_interval() -> None:
    text = "\n".join(contended().findings)
    assert "Measured on 3.13t, it runs at 1.31x the speed (95 % interval 1.27x to 1.36x)." in text


def test_a_starved_thread_is_named_where_the_program_as_a_whole_gains_little() -> None:
    text = said(make_profile(make_thread(1, 0.98, 0.01), make_thread(2, 0.01, 0.95, name="serve")))
    assert (
        "serve alone could do its work up to 20.0x as fast: it waited for the GIL 95 % of its life." in text
    )


def test_threads_of_one_name_are_told_apart() -> None:
    text = said(
        make_profile(make_thread(1, 0.6, name="w"), make_thread(2, 0.3, name="w"), make_thread(3, name=""))
    )
    assert "w (1) held it most" in text


def test_without_any_probe_nothing_is_claimed() -> None:
    probe = Probe(strength=None, name="none", reason="bpftrace needs root")
    text = said(make_profile(make_thread(1, None, None), probe=probe))
    assert text == "Who held the GIL and who waited for it is unknown: bpftrace needs root."


def test_contention_without_a_gil_names_the_lock_the_function_and_the_pauses() -> None:
    text = "\n".join(free_threaded().findings)
    assert "parked or stopped 21 %" in text
    assert "object lock (4.20 s in 16326 parks, up to 4.20 ms)" in text
    assert "_PyMutex_LockSlow <- dict_subscript: 91 % of the parked time." in text
    assert "The world was stopped 37 times, 118 ms in all, for up to 14.1 ms." in text
    assert "GIL" not in text


@pytest.mark.parametrize(("count", "words"), [(1, "stopped once"), (0, None)])
def test_pauses_are_counted_in_words(count: int, words: str | None) -> None:
    text = said(
        make_profile(
            make_thread(1, None, 0.0, off_gil=1.0),
            free_threaded=True,
            gil_enabled=False,
            pauses=Pause(count=count, seconds=0.1, longest=0.1),
        )
    )
    assert (words in text) if words else ("stopped" not in text)
    assert "hardly contended" in text


def test_unknown_parking_is_said_to_be_unknown() -> None:
    profile = make_profile(make_thread(1, None, None), free_threaded=True, gil_enabled=False, probe=EXACT)
    assert said(profile) == "There is no GIL; how long threads were parked on locks is unknown."
