"""Trains with real interpreters: the order of slices, and what happens if a worker dies or hangs in one."""

from __future__ import annotations

import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest
from interpreters_fixture import interpreter

from gilbench.host.placement import Layout, Placement, place
from gilbench.model.errors import RunFailure
from gilbench.model.study import Case
from gilbench.plan.catalogue import catalogue, read_declaration
from gilbench.run import train as trains
from gilbench.run.peer import Peer
from gilbench.run.train import LONGEST, SHORTEST, Stamps, serve_train
from gilbench.run.worker import Worker

SPECS = ("2.7", "3.6", "3.11", "3.13", "3.13t", "pypy", "jython", "ironpython")
STUCK = '''"""Hangs once a file is there."""
import os, time
WORKLOAD = {"driver": "parallel", "unit": "looks", "parameters": {"path": ""}, "checksum": "0"}
def prepare(parameters):
    return parameters["path"]
def operation(path):
    while os.path.exists(path):
        time.sleep(0.01)
    return 0
'''


@contextmanager
def workers(*specs: str, workload: str = "countdown", path: Path | None = None) -> Iterator[list[Worker]]:
    with ExitStack() as leaving:
        peer = Peer()
        leaving.callback(peer.close)
        known = dict(catalogue())
        if path is not None:
            known[workload] = read_declaration(path, "cpu")
        found = []
        for spec in specs:
            one = interpreter(spec)
            case = Case(workload=workload, interpreter=one.name, threads=1)
            found.append(Worker(case, one, known, peer))
            leaving.callback(found[-1].close)
        for worker in found:
            worker.prepare()
            worker.calibrate()
        yield found


def somewhere() -> Placement:
    cpus = tuple(sorted(os.sched_getaffinity(0)))
    return place(Case(workload="countdown", interpreter="any", threads=1), "parallel", Layout(cpus), 0)


@pytest.mark.parametrize("spec", [*SPECS, "ironpython"])
def test_every_interpreter_serves_its_slices(spec: str) -> None:
    with workers(spec, "3.11") as two:
        rides = serve_train(two, somewhere(), 0.05, "seed")
        assert [ride.failure for ride in rides] == [None, None]
        one, other = (ride.train for ride in rides)
        assert one is not None
        assert other is not None
        assert len(one.nanoseconds) == len(other.nanoseconds) >= trains.FEWEST_LAPS
        assert min(one.loops, other.loops) >= 1
        assert one.cpus == other.cpus == somewhere().cpus
        assert one.checksum == other.checksum == "0"
        assert SHORTEST <= one.lead / trains.LEAD <= LONGEST
        assert two[0].measure(0, somewhere(), 0.02, 0.0, 0).operations > 0  # it still serves long slices


def test_one_slice_runs_at_a_time_in_an_order_that_favors_nobody() -> None:
    with workers("3.11", "3.11", "2.7") as three:
        journey = trains._Journey(three, somewhere(), 0.001, 20, random.Random(1))
        order, stamps = journey._order, journey._stamps
        turns = [iter(zip(one.taken, one.ended, strict=True)) for _, one in sorted(stamps.items())]
        spans = [next(turns[index]) for index in order]
        assert all(end <= taken for (_, end), (taken, _) in itertools.pairwise(spans))
        for lap in range(0, len(order), 6):
            assert order[lap : lap + 3] == order[lap + 3 : lap + 6][::-1]
            assert sorted(order[lap : lap + 3]) == [0, 1, 2]
        assert len({tuple(order[lap : lap + 3]) for lap in range(0, len(order), 6)}) > 1


def _during(action: Callable[[], None], delay: float) -> threading.Thread:
    def later() -> None:
        time.sleep(delay)
        action()

    thread = threading.Thread(target=later)
    thread.start()
    return thread


def test_a_worker_that_dies_in_a_train_is_named_and_the_others_stay() -> None:
    with workers("3.11", "3.11", "2.7") as three:
        thread = _during(lambda: os.kill(three[1].pid, signal.SIGKILL), 0.3)
        rides = serve_train(three, somewhere(), 1.0, "seed")
        thread.join()
        assert [ride.failure and ride.failure.kind for ride in rides] == [None, "crash", None]
        assert [ride.train for ride in rides] == [None, None, None]
        again = serve_train([three[0], three[2]], somewhere(), 0.05, "seed")
        assert all(ride.train for ride in again)


def test_a_worker_that_hangs_in_a_train_is_named_and_the_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trains, "_PATIENCE", 0.5)
    path = tmp_path / "stuck.py"
    path.write_text(STUCK.replace('"path": ""', f'"path": "{tmp_path / "there"}"'))
    with workers("3.11", "2.7", workload="stuck", path=path) as two:
        (tmp_path / "there").touch()
        os.kill(two[1].pid, signal.SIGSTOP)
        (tmp_path / "there").unlink()
        rides = serve_train(two, somewhere(), 0.05, "seed")
        os.kill(two[1].pid, signal.SIGCONT)
        assert [ride.failure and ride.failure.kind for ride in rides] == [None, "timeout"]
        with pytest.raises(RunFailure):
            two[1].measure(0, somewhere(), 0.02, 0.0, 0)


def test_no_fifo_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with workers("3.11", "3.11") as two:
        serve_train(two, somewhere(), 0.02, "seed")
    assert list(tmp_path.iterdir()) == []


class Liar:
    """Wraps a worker whose answer is changed."""

    def __init__(self, worker: Worker, change: Callable[[Stamps], Stamps | None]) -> None:
        self._worker, self._change = worker, change
        self.board, self.fileno = worker.board, worker.fileno

    def leave_train(self, seconds: float) -> Stamps | None:
        stamps = self._worker.leave_train(seconds)
        return None if stamps is None else self._change(stamps)


@pytest.mark.parametrize(
    "change",
    [
        lambda _: None,
        lambda stamps: msgspec.structs.replace(stamps, ended=stamps.ended[1:]),
        lambda stamps: msgspec.structs.replace(stamps, taken=()),
        lambda stamps: msgspec.structs.replace(stamps, began=stamps.ended, ended=stamps.began),
    ],
)
def test_an_impossible_answer_fails_its_worker_alone(change: Callable[[Stamps], Stamps | None]) -> None:
    with workers("3.11", "3.11") as two:
        rides = serve_train([two[0], Liar(two[1], change)], somewhere(), 0.02, "seed")
    assert [ride.failure and ride.failure.kind for ride in rides] == [None, "protocol"]
    assert [ride.train for ride in rides] == [None, None]
