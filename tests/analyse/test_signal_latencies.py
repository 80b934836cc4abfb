from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gilbench.run.worker import signal_latencies

stamps = st.lists(st.floats(0, 1e6), max_size=30).map(sorted)


@pytest.mark.parametrize(
    ("sent", "handled", "latencies"),
    [
        ([], [], []),
        ([1.0, 2.0], [], []),
        ([], [1.0], []),
        ([1.0, 2.0, 3.0], [1.25, 2.5, 3.75], [0.25, 0.5, 0.75]),
        ([1.0, 2.0, 3.0], [3.5], [2.5, 1.5, 0.5]),  # merged into one call
        ([1.0, 2.0, 3.0], [2.5], [1.5, 0.5]),  # the last one was never handled
        ([2.0], [1.0], []),  # a call before it does not serve it
        ([2.0], [2.0], [0.0]),
        ([1.0, 2.0], [0.5, 2.5, 9.0], [1.5, 0.5]),
    ],
)
def test_a_signal_waits_for_the_first_call_after_it(
    sent: list[float], handled: list[float], latencies: list[float]
) -> None:
    assert signal_latencies(sent, handled) == pytest.approx(latencies)


@given(stamps, stamps)
def test_no_latency_is_negative_and_none_is_made_up(sent: list[float], handled: list[float]) -> None:
    found = signal_latencies(sent, handled)
    assert len(found) == sum(bool(handled) and moment <= handled[-1] for moment in sent)
    assert all(latency >= 0 for latency in found)


@given(stamps)
def test_signals_that_are_handled_at_once_have_no_latency(sent: list[float]) -> None:
    assert signal_latencies(sent, sent) == [0.0] * len(sent)


@given(stamps, stamps, st.floats(0, 1e6))
def test_one_more_call_makes_no_signal_later(sent: list[float], handled: list[float], extra: float) -> None:
    before, after = signal_latencies(sent, handled), signal_latencies(sent, sorted([*handled, extra]))
    assert len(after) >= len(before)
    assert all(new <= old for new, old in zip(after, before, strict=False))
