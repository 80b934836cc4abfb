"""Measures the precision of gilbench: an interpreter against itself, by gilbench and pyperf, and not interleaved."""

from __future__ import annotations

import math
import os
import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from bench_row import Row

from gilbench.analyse.stats.estimates import mean_estimate, ratio_interval
from gilbench.analyse.stats.trains import train_ratio
from gilbench.analyse.study.index import Blocks
from gilbench.host.capture import capture
from gilbench.host.description import describe_host
from gilbench.host.environment import clean_environment
from gilbench.host.placement import Layout, Placement, place, set_affinity
from gilbench.interpreters import select
from gilbench.model.study import Case, Interpreter, Run, Train
from gilbench.plan import blocks as planning
from gilbench.plan import catalogue
from gilbench.plan.axes import Axes, cases
from gilbench.run.endpoint import Endpoint
from gilbench.run.measure import run_plan
from gilbench.run.peer import Peer
from gilbench.run.session import Hooks
from gilbench.run.train import Stamps, serve_train
from gilbench.run.worker import Worker

_WORKLOAD = "countdown"
_SECONDS = 0.08  # of short slices in one train
_PAIRS = 24
_HARNESS_BLOCKS = 40  # of new processes, which differ by some per cent
_HARNESS_SECONDS = 0.3
_PYPERF = ["-p", "5", "-n", "4", "-w", "1", "--min-time", "0.05"]


def precision() -> Iterator[Row]:
    """Spread of A/A by gilbench over that by pyperf, in turn, with the same wall time for both."""
    base = select([sys.executable]).interpreters[0]
    blocks = _blocks_in(_timed(_by_pyperf)[1], base)
    ours: list[float] = []
    theirs: list[float] = []
    seconds = [0.0, 0.0]
    for number in range(_PAIRS):
        for side in random.sample((0, 1), 2):
            value, taken = _timed(_by_pyperf if side else lambda: _by_gilbench(base, blocks, number))  # noqa: B023
            (theirs if side else ours).append(value)
            seconds[side] += taken
    value, low, high = _spread_ratio(ours, theirs)
    yield _shown("sd of the log-ratio, gilbench", statistics.stdev(ours))
    yield _shown("sd of the log-ratio, pyperf --compare-to", statistics.stdev(theirs))
    times = seconds[0] / seconds[1]
    yield Row("time of gilbench / time of pyperf", times, None, None, "<= 1", times <= 1)
    yield Row("spread of gilbench / spread of pyperf", value, low, high, "<= 0.125", value <= 1 / 8)


def spread() -> Iterator[Row]:
    """Spread of A/A in turn, over that with all processes of A before all of B.

    Both ways have the same number of processes, and the same number of slices of the same length.
    """
    interpreter, blocks = select(["3.13"]).interpreters[0], 10
    in_turn, one_by_one = [], []
    for _ in range(_PAIRS):
        pairs = [_trains(interpreter, 2, block) for block in range(blocks)]
        in_turn.append(mean_estimate([_log_ratio(one, other) for one, other in pairs]).value)
        halves = [[_log_time(_trains(interpreter, 1, block)[0]) for block in range(blocks)] for _ in (0, 1)]
        one_by_one.append(mean_estimate(halves[1]).value - mean_estimate(halves[0]).value)
    value, low, high = _spread_ratio(in_turn, one_by_one)
    yield _shown("sd of A/A in turn", statistics.stdev(in_turn))
    yield _shown("sd of A/A, one after the other", statistics.stdev(one_by_one))
    yield Row("in turn / one after the other", value, low, high, "<= 0.25", value <= 1 / 4)


def harness() -> Iterator[Row]:
    """Time of one countdown in a worker's short slices, over that in a bare loop that runs undisturbed next to them."""
    interpreter = select(["3.13"]).interpreters[0]
    interval = ratio_interval([_worker_against_bare(interpreter, block) for block in range(_HARNESS_BLOCKS)])
    within = (
        interval.lo is not None and interval.hi is not None and interval.lo <= 1.01 and interval.hi >= 0.99
    )
    what = "countdown, worker in a train / bare loop"
    yield Row(what, interval.value, interval.lo, interval.hi, "0.99 to 1.01", within)


class _Bare:
    """The bare loop as a rider of a train."""

    def __init__(self, interpreter: Interpreter, leaving: ExitStack) -> None:
        script = str(Path(__file__).with_name("bare_countdown.py"))
        self._endpoint = Endpoint([interpreter.executable, "-I", script], clean_environment())
        leaving.callback(self._endpoint.close)
        self._start = catalogue.catalogue()[_WORKLOAD].parameters["start"]
        self.loops = 1  # countdowns of a piece
        self.pieces: list[list[float]] = []  # s, by turn

    def board(self, place: Placement, request: dict[str, Any]) -> tuple[int, ...]:
        """As for every rider."""
        in_force = set_affinity(self._endpoint.pid, place.cpus)
        self._endpoint.send({"do": "train", "start": self._start, "loops": self.loops, **request})
        return in_force

    def fileno(self) -> int:
        """As for every rider."""
        return self._endpoint.fileno()

    def leave_train(self, seconds: float) -> Stamps | None:
        """As for every rider."""
        answer = self._endpoint.expect("ok", seconds)
        self.pieces = answer["pieces"]
        return msgspec.convert(answer, Stamps)


def _worker_against_bare(interpreter: Interpreter, block: int) -> float:
    """Return the log-ratio of the time of one countdown: the median over neighbors."""
    cpus = tuple(sorted(os.sched_getaffinity(0)))
    with ExitStack() as leaving:
        worker, bare = _worker(interpreter, leaving), _Bare(interpreter, leaving)
        where = place(worker.case, "parallel", Layout(cpus), block)
        first = serve_train([worker, bare], where, _SECONDS, f"{block}/first")[0].train
        assert first is not None  # noqa: S101 - its worker would have failed
        bare.loops = first.loops
        train = serve_train([worker, bare], where, _HARNESS_SECONDS, f"{block}")[0].train
        assert train is not None  # noqa: S101
    slices = [nanoseconds * 1e-9 / train.loops for nanoseconds in train.nanoseconds]
    alone = [statistics.median(pieces) / bare.loops for pieces in bare.pieces]
    return statistics.median(math.log(ours / theirs) for ours, theirs in zip(slices, alone, strict=True))


def _trains(interpreter: Interpreter, count: int, block: int) -> list[Train]:
    """Serve one train of new processes of one interpreter."""
    cpus = tuple(sorted(os.sched_getaffinity(0)))
    with ExitStack() as leaving:
        riders = [_worker(interpreter, leaving) for _ in range(count)]
        where = place(riders[0].case, "parallel", Layout(cpus), block)
        rides = serve_train(riders, where, _SECONDS, f"{random.random()}")
    found = [ride.train for ride in rides if ride.train is not None]
    assert len(found) == count  # noqa: S101 - a worker would have failed
    return found


def _worker(interpreter: Interpreter, leaving: ExitStack) -> Worker:
    peer = Peer()
    leaving.callback(peer.close)
    case = Case(workload=_WORKLOAD, interpreter=interpreter.name, threads=1)
    worker = Worker(case, interpreter, catalogue.catalogue(), peer)
    leaving.callback(worker.close)
    worker.prepare()
    worker.calibrate()
    return worker


def _log_ratio(one: Train, other: Train) -> float:
    return train_ratio(one, other).typical


def _log_time(train: Train) -> float:
    return math.log(statistics.median(train.nanoseconds) / train.loops)


def _by_gilbench(base: Interpreter, blocks: int, seed: int) -> float:
    """Return the log-ratio of an interpreter to itself, by blocks of short slices."""
    known = dict(catalogue.catalogue())
    again = msgspec.structs.replace(base, name="again")
    effort = msgspec.structs.replace(planning.EFFORTS["quick"], blocks=blocks, long_every=blocks)
    plan = planning.make_plan(
        list(cases([known[_WORKLOAD]], [base, again], Axes((1,)))),
        effort=effort,
        interpreters=[base, again],
        workloads=[known[_WORKLOAD]],
        reference=base.name,
        seed=seed,
    )
    runs: list[Run] = []
    hooks = Hooks(save=runs.append, stop=lambda: False, progress=lambda _text, _share: None)
    run_plan(plan, [base, again], known, hooks, host=describe_host())
    one, other = plan.cases
    return mean_estimate(list(Blocks(plan, runs).throughput_log_ratios(other, one).values())).value


def _by_pyperf() -> float:
    """Return the log-ratio of this interpreter to itself, by pyperf."""
    script = str(Path(__file__).with_name("pyperf_countdown.py"))
    command = [sys.executable, script, f"--compare-to={sys.executable}", "--python-names=a:b", *_PYPERF]
    done = capture(command, seconds=120, env=dict(os.environ))
    means = re.search(r"\[a\] ([\d.]+) (\w+) .*\[b\] ([\d.]+) (\w+) ", done.stdout)
    if means is None or means[2] != means[4]:
        raise SystemExit(f"pyperf said: {done.stdout}{done.stderr}")
    return math.log(float(means[1]) / float(means[3]))


def _blocks_in(seconds: float, base: Interpreter) -> int:
    """Return how many blocks fit into some seconds."""
    first, second = (_timed(lambda: _by_gilbench(base, blocks, 0))[1] for blocks in (5, 15))  # noqa: B023
    each = max(1e-3, (second - first) / 10)
    return max(3, int(0.9 * (seconds - first) / each) + 5)


def _timed(action: Callable[[], float]) -> tuple[float, float]:
    began = time.monotonic()
    value = action()
    return value, time.monotonic() - began


def _shown(what: str, value: float) -> Row:
    return Row(what, value, None, None, "", holds=True)


def _spread_ratio(above: Sequence[float], below: Sequence[float]) -> tuple[float, float, float]:
    """Return the sd of one sample over that of another, with a 95% interval by the bootstrap."""
    rng = np.random.default_rng(1)
    draws = [
        np.array(sample)[rng.integers(0, len(sample), size=(4000, len(sample)))] for sample in (above, below)
    ]
    low, high = np.quantile(np.std(draws[0], axis=1) / np.std(draws[1], axis=1), [0.025, 0.975])
    return statistics.stdev(above) / statistics.stdev(below), float(low), float(high)
