"""The share of a call without the GIL, from slices whose truth is known."""

from __future__ import annotations

import random

import pytest

from gilbench.analyse.releases import judge_release
from gilbench.model.releases import CallBlock, CallSlice, Metered, Release, Releases, Subject
from gilbench.model.study import Case

CASE = Case(workload="f", interpreter="3.13", threads=1)
WAKE = 8e-6  # s until a thread that waits for the GIL runs


def block(
    rng: random.Random, held: float, *, length: float = 1e-3, queued: float = 0.0, wake: float = WAKE
) -> CallBlock:
    """A block of a call that holds the GIL for some share of its length.

    Args:
        rng: Of the noise of 2%.
        held: The share.
        length: Of the call in s.
        queued: Share of the time in which the counter waits for a CPU.
        wake: Seconds until a thread that waits for the GIL runs.
    """

    def noisy(value: float) -> float:
        return value * rng.gauss(1, 0.02)

    def beside(share: float) -> CallSlice:
        calls, interval = 10, 1e-3
        asleep = min(1.0, share + (wake / length if share < 1 else 0.0)) * noisy(length)
        wall = calls * (length + interval)
        counter = Metered(wall=wall, cpu=max(0.0, wall * (1 - queued) - calls * asleep), queued=wall * queued)
        return CallSlice(wall=wall, cpu=calls * length, queued=0.0, calls=calls, counter=counter)

    def alone() -> CallSlice:
        return CallSlice(wall=10 * noisy(length), cpu=10 * length, queued=0.0, calls=10)

    shares: dict[Subject, float] = {"call": held, "hold": 1.0, "release": 0.0}
    return CallBlock(
        alone={subject: tuple(alone() for _ in range(12)) for subject in shares},
        beside={subject: tuple(beside(share) for _ in range(12)) for subject, share in shares.items()},
    )


def judged(held: float, **how: float) -> Release:
    rng = random.Random(7)
    return judge_release(CASE, [block(rng, held, **how) for _ in range(10)], 0.5)


@pytest.mark.parametrize(("held", "answer"), [(0.0, "yes"), (0.2, "yes"), (0.8, "no"), (1.0, "no")])
def test_the_interval_covers_the_truth_and_decides(held: float, answer: str) -> None:
    found = judged(held)
    assert found.share is not None
    assert found.lo is not None
    assert found.hi is not None
    assert found.answer == answer
    assert found.lo - 0.02 <= 1 - held <= found.hi + 0.02


def test_half_is_undecided() -> None:
    assert judged(0.5).answer == "undecided"


def test_a_counter_that_waits_for_a_cpu_widens_the_interval() -> None:
    quiet, busy = judged(0.2), judged(0.2, queued=0.3)
    assert quiet.lo is not None
    assert busy.lo is not None
    assert busy.lo < quiet.lo
    assert busy.remark is not None
    assert "other programs" in busy.remark


def test_controls_that_look_alike_decide_nothing() -> None:
    found = judged(0.0, length=1e-6)
    assert (found.answer, found.share) == ("undecided", None)
    assert found.remark is not None
    assert "shorter than" in found.remark


def test_two_blocks_are_too_few() -> None:
    rng = random.Random(1)
    found = judge_release(CASE, [block(rng, 0.0) for _ in range(2)], 0.5)
    assert found.answer == "undecided"


@pytest.mark.parametrize(
    ("answers", "answer", "code"),
    [
        (["yes", "yes"], "yes", 0),
        (["yes", "n/a"], "yes", 0),
        (["n/a"], "n/a", 0),
        (["yes", "no", "undecided"], "no", 1),
        (["yes", "undecided"], "undecided", 3),
        (["yes", "failed"], "failed", 4),
    ],
)
def test_one_answer_and_one_exit_code_for_all_interpreters(
    answers: list[str], answer: str, code: int
) -> None:
    rows = tuple(Release(case=CASE, answer=one) for one in answers)  # type: ignore[arg-type]
    found = Releases(gilbench="0", created="", code="m:f", at_least=0.5, rows=rows, interpreters=())
    assert (found.answer, found.exit_code) == (answer, code)
