"""Trains: the workers of a block serve short slices in turn, and hand a token to each other.

The speed of a shared host drifts within milliseconds, so only slices that are short and next to each other see the same
host. gilbench itself needs milliseconds for a request. Therefore it only starts a train, waits for its end, and reads
the results.
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple, Protocol

from gilbench.host.placement import Placement
from gilbench.host.scratch import scratch
from gilbench.model.errors import RunFailure
from gilbench.model.study import Number, Positive, Struct, Train

SHORTEST, LONGEST = (
    0.0005,
    0.002,
)  # s, limits of the length of a slice; a longer one is interrupted more often
HANDOVERS = 100  # a slice is this many times as long as a hand-over
LEAD = 0.1  # s of untimed operations per s of a slice
FEWEST_LAPS, TRIAL_LAPS = 8, 6  # even numbers, since the second of two laps reverses the first
_PATIENCE = 10.0  # s in addition to the expected length of a train
_SLOW = 4.0  # a train may take this many times its expected length: another process may use the CPU
_GRACE = 1.0  # s in which a worker ends a train that was stopped
_TOKEN, _STOP = b"t", b"s"


class Stamps(Struct, frozen=True):
    """The answer of a worker: operations per slice, and stamps in CLOCK_MONOTONIC seconds."""

    loops: Positive
    taken: tuple[Number, ...]  # when it got the token
    began: tuple[Number, ...]
    ended: tuple[Number, ...]
    cpu: tuple[Number, ...]  # CPU time of each slice in s
    checksum: str
    gil_enabled: tuple[bool, bool]


class Rider(Protocol):
    """A worker in a train."""

    def board(self, place: Placement, request: dict[str, Any]) -> tuple[int, ...]:
        """Send the request of a train; return the CPUs of the worker."""

    def fileno(self) -> int:
        """Return the descriptor that is readable when the worker has answered or died."""

    def leave_train(self, seconds: float) -> Stamps | None:
        """Return the answer; None: the train was stopped before its end."""


class Ride(NamedTuple):
    """One worker's part of a train. If the train broke, the culprits have failures, and the others have neither."""

    train: Train | None
    failure: RunFailure | None = None


def serve_train(riders: Sequence[Rider], place: Placement, seconds: float, seed: str) -> list[Ride]:
    """Serve one train: a trial, whose slices are discarded, and then the measured slices.

    Args:
        riders: Workers that have loaded their workloads.
        place: CPUs of all slices.
        seconds: Length of the slices of one worker together.
        seed: Of the order of the slices.

    Returns:
        One ride per worker.
    """
    rng = random.Random(seed)
    trial = _Journey(riders, place, SHORTEST, TRIAL_LAPS, rng)
    if trial.failures:
        return trial.rides()
    length = min(LONGEST, max(SHORTEST, HANDOVERS * trial.handover()))
    slowest = max(length, trial.slowest())  # one operation may take longer than a slice
    laps = max(FEWEST_LAPS, 2 * round(seconds / slowest / 2))
    return _Journey(riders, place, length, laps, rng).rides()


class _Journey:
    """One row of slices.

    Two laps at a time are in random order and its reverse, so that each worker is as often before as after another.
    """

    def __init__(
        self, riders: Sequence[Rider], place: Placement, length: float, laps: int, rng: random.Random
    ) -> None:
        self._riders, self._lead = riders, LEAD * length
        self._order: list[int] = []
        for _ in range(0, laps, 2):
            lap = rng.sample(range(len(riders)), len(riders))
            self._order += [*lap, *reversed(lap)]
        self._laps = laps
        self.failures: dict[int, RunFailure] = {}
        self._stamps: dict[int, Stamps] = {}
        self._cpus: list[tuple[int, ...]] = []
        with scratch() as folder, _fifos(folder, len(riders)) as (paths, descriptors):
            for index, rider in enumerate(riders):
                request = {
                    "fifos": paths,
                    "own": index,
                    "next": self._followers(index),
                    "seconds": length,
                    "lead": self._lead,
                }
                self._cpus.append(rider.board(place, request))
            os.write(descriptors[self._order[0]], _TOKEN)
            self._wait(laps * len(riders) * length * (1 + LEAD), descriptors)

    def _followers(self, index: int) -> list[int | None]:
        after: list[int | None] = [*self._order[1:], None]
        return [following for own, following in zip(self._order, after, strict=True) if own == index]

    def _wait(self, expected: float, descriptors: Sequence[int]) -> None:
        """Wait for all answers. If a worker fails, stop the train, so that the others are free again."""
        deadline = time.monotonic() + _SLOW * expected + _PATIENCE
        waiting = dict(enumerate(self._riders))
        stopped = False
        while waiting:
            ready = _readable({rider.fileno(): index for index, rider in waiting.items()}, deadline)
            for index in ready:
                rider = waiting.pop(index)
                try:
                    stamps = rider.leave_train(_GRACE)
                    if stamps is not None or not stopped:
                        self._stamps[index] = _checked(stamps, self._laps)
                except RunFailure as failure:
                    self.failures[index] = failure
            if stopped and not ready:
                break
            if not stopped and (self.failures or not ready):
                stopped, deadline = True, time.monotonic() + _GRACE
                for descriptor in descriptors:
                    os.write(descriptor, _STOP)
        # Had the token, and did not answer; or all of them left a train that took too long.
        late = waiting or ({} if self.failures or not stopped else dict(enumerate(self._riders)))
        for index in late:
            self.failures[index] = RunFailure("timeout", f"a train of {expected:.1f} s did not end")

    def rides(self) -> list[Ride]:
        """Return the part of each worker."""
        return [
            Ride(None if self.failures else self._train(index), self.failures.get(index))
            for index in range(len(self._riders))
        ]

    def handover(self) -> float:
        """Return the time in s from the end of a slice until the next worker runs, if the CPU is free: a quartile."""
        turns = [
            iter(zip(stamps.taken, stamps.ended, strict=True)) for _, stamps in sorted(self._stamps.items())
        ]
        slices = [(index, *next(turns[index])) for index in self._order]
        gaps = [taken - ended for (one, _, ended), (other, taken, _) in pairwise(slices) if one != other]
        return max(0.0, quantiles(gaps, n=4)[0]) if gaps else 0.0

    def slowest(self) -> float:
        """Return the median length in s of the slices of the slowest worker."""
        return max(
            median(end - begin for begin, end in zip(stamps.began, stamps.ended, strict=True))
            for stamps in self._stamps.values()
        )

    def _train(self, index: int) -> Train | None:
        stamps = self._stamps[index]
        return Train(
            loops=stamps.loops,
            nanoseconds=tuple(
                max(1, round((end - begin) * 1e9))
                for begin, end in zip(stamps.began, stamps.ended, strict=True)
            ),
            cpu_nanoseconds=tuple(max(0, round(used * 1e9)) for used in stamps.cpu),
            handover=self.handover(),
            lead=self._lead,
            checksum=stamps.checksum,
            gil_enabled=stamps.gil_enabled,
            cpus=self._cpus[index],
        )


def _checked(stamps: Stamps | None, laps: int) -> Stamps:
    if stamps is None:
        raise RunFailure("protocol", "left a train that was not stopped")
    if {len(stamps.taken), len(stamps.began), len(stamps.ended), len(stamps.cpu)} != {laps}:
        raise RunFailure("protocol", f"answered with another number of slices than {laps}")
    times = [moment for span in zip(stamps.taken, stamps.began, stamps.ended, strict=True) for moment in span]
    if any(later < earlier for earlier, later in pairwise(times)):
        raise RunFailure("protocol", "answered with slices that end before they begin")
    return stamps


@contextlib.contextmanager
def _fifos(folder: Path, count: int) -> Iterator[tuple[list[str], list[int]]]:
    """Make FIFOs, and hold both ends open, so that no worker waits for another one to open them."""
    paths = [str(folder / str(index)) for index in range(count)]
    with contextlib.ExitStack() as open_:
        descriptors = []
        for path in paths:
            os.mkfifo(path, 0o600)
            descriptors.append(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
            open_.callback(os.close, descriptors[-1])
        yield paths, descriptors


def _readable(descriptors: dict[int, int], deadline: float) -> list[int]:
    """Wait until some descriptors are readable; return what belongs to them, or nothing after the deadline."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    left = max(0.0, deadline - time.monotonic())
    return [descriptors[descriptor] for descriptor, _ in poll.poll(left * 1000)]
