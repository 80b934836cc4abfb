"""Computes for how much of its time a call runs without the GIL, from a thread that counts next to it.

A thread that only counts is always runnable. It sleeps only if another thread holds the GIL. Time in which it neither
ran nor waited for a CPU, per call, is therefore time in which the call held the GIL, whatever the switch interval is,
and whoever else uses the CPUs. Divided by the length of the call alone, it is the share with the GIL.

A thread needs some microseconds to wake up after the GIL is released. The controls, calls of the same length, set the
scale: 0% is a call that holds the GIL, 100% one that releases it for its whole length.

A thread that has woken up may have to wait for a CPU, and the GIL may be held meanwhile or not. The interval covers
both. Of a call that hashes for 545 us and then adds numbers for 155 us, 78% is without the GIL; measured on 3.13, with
other programs on both CPUs: 77% (72 to 84).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median
from typing import NamedTuple

import msgspec

from gilbench.analyse.stats.estimates import MINIMUM_BLOCKS, mean_interval
from gilbench.model.metrics import write
from gilbench.model.releases import CallBlock, CallSlice, Release
from gilbench.model.study import Case

_QUIET = 0.05  # share of a slice that threads may wait for a CPU in a quiet one
_LEAST_KEPT = 4  # a quarter of the slices is kept, the quietest, even if they are not quiet
_APART = 0.2  # least difference of the shares of the controls
_SHORT = 1e-4  # s; of shorter calls, waking up is a large part
_NOISY = 0.1  # share of the time that the counter waited for a CPU, which is worth a remark


class _Shares(NamedTuple):
    """The shares of one block without the GIL, before they are scaled."""

    lo: float  # if the GIL was held whenever the counter waited for a CPU
    hi: float  # if it was not
    hold: float  # of the control that holds it
    release: float  # of the control that releases it
    seconds: float  # length of the call
    queued: float


def judge_release(case: Case, blocks: Sequence[CallBlock], at_least: float) -> Release:
    """Judge one call.

    Args:
        case: Its case.
        blocks: The blocks of the call.
        at_least: Smallest share of its time without the GIL that is a yes.
    """
    found = [_shares(block) for block in blocks]
    seconds, queued = median(one.seconds for one in found), fmean(one.queued for one in found)
    apart = mean_interval([one.release - one.hold for one in found])
    measured = Release(
        case=case,
        answer="undecided",
        seconds=seconds,
        blocks=len(blocks),
        control=_within(fmean(one.release for one in found)),
        queued=_within(queued),
    )
    if len(blocks) < MINIMUM_BLOCKS:
        return msgspec.structs.replace(measured, remark="too few blocks")
    if apart.lo is None or apart.lo < _APART:
        return msgspec.structs.replace(measured, remark=_alike(seconds, queued))
    low = mean_interval([(one.lo - one.hold) / apart.value for one in found])
    high = mean_interval([(one.hi - one.hold) / apart.value for one in found])
    if low.lo is None or high.hi is None:
        return msgspec.structs.replace(measured, remark="all blocks have the same value")
    half = (high.hi - low.lo) / 2  # at 0 and 1, an interval is cut off, but keeps half of its width
    lo, hi = _within(min(low.lo, 1 - half)), _within(max(high.hi, half))
    noisy = f"other programs took CPU time: a thread waited {write(queued, 'fraction')} of its time for a CPU"
    return msgspec.structs.replace(
        measured,
        answer="yes" if lo >= at_least else "no" if hi < at_least else "undecided",
        share=min(max(_within((low.value + high.value) / 2), lo), hi),
        lo=lo,
        hi=hi,
        remark=noisy if queued > _NOISY else None,
    )


def _alike(seconds: float, queued: float) -> str:
    if queued > _NOISY:
        return "other programs use the CPUs, so a call that releases the GIL looks like one that holds it"
    if seconds < _SHORT:
        return (
            f"a call of {write(seconds, 's')} is shorter than a thread needs to wake up; pass arguments that "
            "take longer"
        )
    return "a call that releases the GIL looks like one that holds it; measure on two or more CPUs"


def _shares(block: CallBlock) -> _Shares:
    call, hold, release = (_ends(block, subject) for subject in ("call", "hold", "release"))
    kept = _quietest(block.beside["call"])
    return _Shares(
        *call,
        hold=fmean(hold),
        release=fmean(release),
        seconds=_length(block.alone["call"]),
        queued=fmean(one.counter.queued / one.counter.wall for one in kept if one.counter),
    )


def _ends(block: CallBlock, subject: str) -> tuple[float, float]:
    """Return the share of a subject without the GIL: if it was held while the counter waited for a CPU, and if not."""
    alone = _length(block.alone[subject])  # type: ignore[index]
    kept = _quietest(block.beside[subject])  # type: ignore[index]
    held = [_held(one, queued=queued) / alone for queued in (True, False) for one in kept]
    half = len(kept)
    return 1 - median(held[:half]), 1 - median(held[half:])


def _held(one: CallSlice, *, queued: bool) -> float:
    """Return the time per call in s in which the counter could not have the GIL."""
    counter = one.counter
    assert counter is not None  # noqa: S101 - a slice beside a counter
    asleep = counter.wall - counter.cpu - (0.0 if queued else counter.queued)
    return max(0.0, asleep / counter.wall) * (one.wall - one.queued) / one.calls


def _length(slices: Sequence[CallSlice]) -> float:
    return median((one.wall - one.queued) / one.calls for one in _quietest(slices))


def _quietest(slices: Sequence[CallSlice]) -> Sequence[CallSlice]:
    """Return the slices in which threads hardly waited for a CPU, or else the quarter in which they waited least."""
    ranked = sorted(slices, key=_waiting)
    quiet = sum(_waiting(one) < _QUIET for one in ranked)
    return ranked[: max(quiet, math.ceil(len(ranked) / _LEAST_KEPT))]


def _waiting(one: CallSlice) -> float:
    return (one.queued + (one.counter.queued if one.counter else 0.0)) / one.wall


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))
