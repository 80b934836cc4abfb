"""The loop, with workers that only pretend to be processes and a clock that only they move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from studies import make_header, make_plan, make_profile, make_slice, make_train, make_workload, named

from gilbench.host.placement import Placement
from gilbench.model.errors import RunFailure, StudyError
from gilbench.model.study import Case, Environment, Plan, Reading, Run, Slice, Workload
from gilbench.observe import Watch
from gilbench.plan import blocks as planning
from gilbench.run import session as sessions
from gilbench.run.done import FAILURES_UNTIL_GIVEN_UP
from gilbench.run.served import Served
from gilbench.run.session import Hooks, Session
from gilbench.run.train import Ride, Stamps
from gilbench.store.study import StudyWriter, read_study

INTERPRETERS = ("3.13", "3.13t")


class Clock:
    """Time that passes only in slices."""

    def __init__(self) -> None:
        self.now = 0.0


class Event(NamedTuple):
    """Something that was asked of a worker."""

    worker: str
    what: str
    turn: int | None = None


Fault = Callable[[Event], None]


class FakeWorker:
    """A worker that answers at once, and does what a test wants to go wrong."""

    def __init__(self, world: World, case: Case, number: int) -> None:
        self._world, self.case, self.pid = world, case, 1000 + number
        self.name = f"{case.workload} {case.interpreter} {case.threads}"
        self.closed = 0

    def _note(self, what: str, turn: int | None = None) -> None:
        assert not self.closed, f"{self.name} was asked to {what} after it was closed"
        event = Event(self.name, what, turn)
        self._world.events.append(event)
        self._world.fault(event)

    def prepare(self) -> Environment:
        self._note("prepare")
        return Environment(pid=self.pid, clock="a fake one")

    def calibrate(self) -> int:
        self._note("calibrate")
        return 8

    def measure(
        self, round_: int, place: Placement, seconds: float, latency_seconds: float, seed: int
    ) -> Slice:
        assert latency_seconds >= 0
        self._note("measure", round_)
        self._world.asked.append((self.name, round_, place, seed))
        start = self._world.clock.now
        self._world.clock.now += max(seconds, 1e-3)
        end, threads = self._world.clock.now, self.case.threads
        slice_ = make_slice(
            round_,
            self._world.rate(self.case, round_),
            threads=threads,
            start=start,
            end=end,
            window=end - start,
            checksum=self._world.checksum(self.case),
        )
        each = (msgspec.structs.replace(one, start=start, finish=end) for one in slice_.threads)
        return msgspec.structs.replace(slice_, threads=tuple(each))

    def board(self, place: Placement, request: dict[str, Any]) -> tuple[int, ...]:
        raise NotImplementedError  # World.serve_train

    def fileno(self) -> int:
        raise NotImplementedError

    def leave_train(self, seconds: float) -> Stamps | None:
        raise NotImplementedError

    def output(self) -> str:
        return f"what {self.name} wrote"

    def close(self) -> None:
        self.closed += 1
        self._world.events.append(Event(self.name, "close"))
        self._world.fault(Event(self.name, "closing"))


class FakeObserver:
    """Counts who is watched."""

    def __init__(self, pid: int, world: World) -> None:
        self.by: str | None = None
        self.reason: str | None = None
        self._world, self._pid = world, pid
        world.watching += 1

    def finish(self, busy_seconds: float) -> Reading:
        self._world.watching -= 1
        self._world.fault(Event(str(self._pid), "finish"))
        return Reading(observer="cpu", figures={"cpu_utilisation": busy_seconds})


class World:
    """Everything around a session."""

    def __init__(self, plan: Plan, workloads: Sequence[Workload]) -> None:
        self.plan, self.workloads = plan, {workload.name: workload for workload in workloads}
        self.clock = Clock()
        self.events: list[Event] = []
        self.asked: list[tuple[str, int, Placement, int]] = []
        self.workers: list[FakeWorker] = []
        self.trains: list[tuple[tuple[str, ...], Placement, str]] = []
        self.saved: list[Run] = []
        self.told: list[tuple[str, float]] = []
        self.watching = 0
        self.fault: Fault = lambda _event: None
        self.rate: Callable[[Case, int], float] = lambda _case, _turn: 1000.0
        self.checksum: Callable[[Case], str] = lambda _case: "0"
        self.stop: Callable[[], bool] = lambda: False
        self.save: Callable[[Run], None] = self.saved.append

    def launch(self, case: Case) -> FakeWorker:
        event = Event(f"{case.workload} {case.interpreter} {case.threads}", "launch")
        self.events.append(event)
        self.fault(event)
        self.workers.append(FakeWorker(self, case, len(self.workers)))
        return self.workers[-1]

    def serve_train(
        self, riders: Sequence[Served], place: Placement, seconds: float, seed: str
    ) -> list[Ride]:
        """A train that ends at once, or breaks at the riders that a test wants to fail."""
        names = [rider.name for rider in riders if isinstance(rider, FakeWorker)]
        self.trains.append((tuple(names), place, f"{seed} {seconds}"))
        failures: dict[int, RunFailure] = {}
        for index, name in enumerate(names):
            event = Event(name, "train")
            self.events.append(event)
            try:
                self.fault(event)
            except RunFailure as failure:
                failures[index] = failure
        train = make_train([1_000_000] * 8)
        return [Ride(None if failures else train, failures.get(index)) for index in range(len(names))]

    def run(self, *, earlier: Sequence[Run] = (), jit: frozenset[str] = frozenset()) -> None:
        hooks = Hooks(
            save=self.save,
            stop=self.stop,
            progress=lambda text, share: self.told.append((text, share)),
        )
        observers = {
            "fake": Watch(lambda pid: FakeObserver(pid, self), "", always=True),
            "stacks": Watch(lambda pid: FakeObserver(pid, self), ""),
        }
        Session(
            self.plan,
            self.workloads,
            jit,
            self.launch,
            hooks,
            earlier=earlier,
            observers=observers,
            serve_train=self.serve_train,
        ).run()

    def slices(self) -> list[tuple[str, int]]:
        """The timed slices in the order in which they were served."""
        return [
            (event.worker, event.turn)
            for event in self.events
            if event.what == "measure" and event.turn is not None and event.turn >= 0
        ]

    def assert_nothing_is_left(self) -> None:
        assert [worker.name for worker in self.workers if worker.closed != 1] == []
        assert self.watching == 0


def world(
    *workloads: Workload, threads: Sequence[int] = (1, 2), observers: Sequence[str] = (), **effort: Any
) -> World:
    chosen = workloads or (make_workload(),)
    cases = [
        Case(workload=workload.name, interpreter=name, threads=count, observers=watched)
        for workload in chosen
        for count in threads
        for name in INTERPRETERS
        for watched in ((), *((one,) for one in observers))
    ]
    plan = make_plan(cases, effort=make_profile(**{"blocks": 3, "slices": 4, **effort}))
    return World(plan, chosen)


def failing(worker: str, what: str, *, error: BaseException, times: int = 10**9, after: int = 0) -> Fault:
    """Let a worker fail at the so-manieth of something; of a slice only the timed ones are meant."""
    seen = 0

    def fault(event: Event) -> None:
        nonlocal seen
        if (not worker or event.worker == worker) and event.what == what and (event.turn or 0) >= 0:
            seen += 1
            if after < seen <= after + times:
                raise error

    return fault


def outcome(run: Run, plan: Plan) -> tuple[int, str, int, int]:
    case = plan.cases[run.case]
    return run.block, case.interpreter, case.threads, run.attempt


# --- the order ------------------------------------------------------------------------------------------


def test_slices_are_served_exactly_in_the_planned_order() -> None:
    one = world(make_workload("a"), make_workload("b"))
    one.run()
    expected = [
        (f"{(case := one.plan.cases[index]).workload} {case.interpreter} {case.threads}", turn)
        for group in planning.groups(one.plan, {})
        for turn, index in planning.slice_order(one.plan, group, 0, one.workloads[group.workload])
    ]
    assert one.slices() == expected
    assert len(expected) == 2 * 3 * 4 * 4


def test_all_workers_of_a_block_come_up_before_the_first_slice_and_none_stays() -> None:
    one = world()
    one.run()
    kinds = [event.what for event in one.events]
    first = kinds.index("measure")
    assert kinds[:first].count("launch") == 4
    assert kinds.count("launch") == kinds.count("close") == 12
    one.assert_nothing_is_left()


def test_a_new_block_has_new_processes() -> None:
    one = world()
    one.run()
    assert len(one.workers) == 12
    assert len({run.environment.pid for run in one.saved if run.environment}) == 12


def test_every_run_of_the_plan_is_saved_once_with_all_its_slices() -> None:
    one = world()
    one.run()
    assert sorted((run.block, run.case) for run in one.saved) == [(b, c) for b in range(3) for c in range(4)]
    for run in one.saved:
        assert [slice_.round for slice_ in run.slices] == [0, 1, 2, 3]
        assert run.failure is None
        assert not run.interrupted
        assert run.attempt == 0
        assert run.noise is not None
        assert run.environment is not None
        assert run.environment.loops == 8


def test_the_readings_refer_to_the_time_of_the_slices() -> None:
    one = world()
    one.run()
    assert one.saved
    for run in one.saved:
        busy = sum(slice_.end - slice_.start for slice_ in run.slices)
        assert [reading.figures["cpu_utilisation"] for reading in run.readings] == pytest.approx([busy])


def test_each_worker_is_warmed_up_before_its_first_timed_slice() -> None:
    one = world()
    one.run()
    for worker in one.workers[:4]:
        done = [(event.what, event.turn) for event in one.events if event.worker == worker.name]
        assert done[:4] == [("launch", None), ("prepare", None), ("calibrate", None), ("measure", -1)]
        assert done[4][0] == "calibrate"


def test_a_build_that_compiles_as_it_runs_is_warmed_up_until_it_is_steady() -> None:
    one = world(threads=(1,), warmup_seconds=20.0, blocks=1)
    rates = iter([100.0] * 50 + [200.0] * 50 + [400.0] * 10**5)
    one.rate = lambda case, turn: next(rates) if case.interpreter == "3.13t" and turn < 0 else 1000.0
    one.run(jit=frozenset({"3.13t"}))
    warm = [name for name, turn, _, _ in one.asked if turn < 0]
    assert warm.count("countdown 3.13 1") == 1
    # The second third must have passed the last change, but for what 5 % may hide.
    assert 250 < warm.count("countdown 3.13t 1") <= 300


def test_a_warm_up_that_never_becomes_steady_ends_at_its_limit() -> None:
    one = world(threads=(1,), warmup_seconds=1.0, blocks=1)
    rates = iter(range(1, 10**6))
    one.rate = lambda _case, _turn: 2.0 ** (next(rates) % 5)
    one.run(jit=frozenset(INTERPRETERS))
    assert one.clock.now < 5.0
    assert len(one.saved) == 2


def test_cases_of_one_turn_share_a_cpu_set_and_a_schedule() -> None:
    one = world(threads=(1,))
    one.run()
    by_turn: dict[tuple[int, int], set[tuple[Placement, int]]] = {}
    timed = [asked for asked in one.asked if asked[1] >= 0]
    for number, (_, turn, place, seed) in enumerate(timed):
        by_turn.setdefault((number // 8, turn), set()).add((place, seed))
    assert len(by_turn) == 12
    assert all(len(found) == 1 for found in by_turn.values())
    assert len({seed for found in by_turn.values() for _, seed in found}) == 12
    assert {place.cpus for found in by_turn.values() for place, _ in found} == {(0,), (1,)}


def test_an_observed_case_has_its_observers_for_its_one_slice() -> None:
    one = world(threads=(1,), observers=("stacks",), blocks=1)
    one.run()
    watched = [run for run in one.saved if one.plan.cases[run.case].observers]
    assert [len(run.readings) for run in watched] == [2, 2]
    assert [[slice_.round for slice_ in run.slices] for run in watched] == [[2], [2]]
    one.assert_nothing_is_left()


def test_progress_never_goes_back_and_stays_below_the_whole() -> None:
    one = world(make_workload("a"), make_workload("b"))
    one.run()
    shares = [share for _, share in one.told]
    assert shares == sorted(shares)
    assert shares[0] >= 0
    assert shares[-1] < 1


# --- failures -------------------------------------------------------------------------------------------

KINDS = ["crash", "exit", "protocol", "checksum", "threads", "workload"]


@pytest.mark.parametrize("what", ["launch", "prepare", "calibrate", "measure"])
def test_a_worker_that_fails_leaves_with_its_reason_and_the_others_go_on(what: str) -> None:
    one = world(blocks=1)
    broken = "countdown 3.13 2"
    after = 2 if what == "measure" else 0
    one.fault = failing(broken, what, error=RunFailure("crash", "it broke"), after=after)
    one.run()
    failed = [run for run in one.saved if run.failure]
    assert [outcome(run, one.plan) for run in failed] == [(0, "3.13", 2, 0)]
    assert failed[0].failure is not None
    assert (failed[0].failure.kind, failed[0].failure.message) == ("crash", "it broke")
    assert failed[0].failure.output == ("" if what == "launch" else f"what {broken} wrote")
    assert len(failed[0].slices) == after
    others = [run for run in one.saved if not run.failure]
    assert len(others) == 3
    assert all(len(run.slices) == 4 for run in others)
    one.assert_nothing_is_left()


@pytest.mark.parametrize("kind", KINDS)
def test_a_case_that_has_failed_twice_is_given_up(kind: str) -> None:
    one = world(blocks=5)
    one.fault = failing("countdown 3.13t 1", "prepare", error=RunFailure(kind, "again"))
    one.run()
    failed = [run.block for run in one.saved if run.failure]
    assert failed == [0, 1]
    assert FAILURES_UNTIL_GIVEN_UP == 2
    assert len(one.saved) == 2 + 5 * 3
    one.assert_nothing_is_left()


@pytest.mark.parametrize("kind", ["timeout", "unsupported"])
def test_a_case_that_ran_out_of_time_or_is_not_supported_is_given_up_at_once(kind: str) -> None:
    one = world(blocks=5)
    one.fault = failing("countdown 3.13t 1", "measure", error=RunFailure(kind, "no"))
    one.run()
    assert [run.block for run in one.saved if run.failure] == [0]
    assert sum(event.what == "launch" and event.worker == "countdown 3.13t 1" for event in one.events) == 1
    one.assert_nothing_is_left()


def test_a_case_that_failed_once_is_tried_in_the_next_block() -> None:
    one = world(blocks=3)
    one.fault = failing("countdown 3.13t 1", "measure", error=RunFailure("crash", "once"), times=1)
    one.run()
    assert [(run.block, bool(run.failure)) for run in one.saved if one.plan.cases[run.case].interpreter == "3.13t"
            and one.plan.cases[run.case].threads == 1] == [(0, True), (1, False), (2, False)]  # fmt: skip


def test_where_every_case_is_given_up_nothing_more_is_launched() -> None:
    one = world(blocks=5)
    one.fault = failing("", "prepare", error=RunFailure("timeout", "no answer"))
    one.run()
    assert len(one.saved) == len(one.workers) == 4
    one.assert_nothing_is_left()


def test_a_checksum_other_than_the_declared_one_is_a_failed_run() -> None:
    one = world(make_workload(checksum="right"), blocks=1)
    one.checksum = lambda case: "wrong" if case.interpreter == "3.13t" else "right"
    one.run()
    failed = {outcome(run, one.plan)[1:3]: run.failure for run in one.saved if run.failure}
    assert set(failed) == {("3.13t", 1), ("3.13t", 2)}
    for failure in failed.values():
        assert failure is not None
        assert failure.kind == "checksum"
        assert failure.message == "checksum wrong instead of right"
    assert all(not run.slices for run in one.saved if run.failure)


def test_without_a_declared_checksum_all_must_give_what_the_first_one_gave() -> None:
    one = world(threads=(1,), blocks=1)
    one.checksum = lambda case: f"by {case.interpreter}"
    one.run()
    assert [run.failure.kind for run in one.saved if run.failure] == ["checksum"]


def test_a_service_that_has_no_checksum_is_not_checked() -> None:
    one = world(make_workload(checksum="right"), blocks=1)
    one.checksum = lambda _case: ""
    one.run()
    assert one.saved
    assert not [run for run in one.saved if run.failure]


# --- being stopped --------------------------------------------------------------------------------------


def stop_after(one: World, slices: int) -> None:
    one.stop = lambda: len(one.slices()) >= slices


@pytest.mark.parametrize("slices", range(1, 16))
def test_a_stop_after_any_slice_saves_what_there_is_as_interrupted(slices: int) -> None:
    one = world()
    stop_after(one, slices)
    one.run()
    assert len(one.slices()) == slices
    assert sum(len(run.slices) for run in one.saved) == slices
    for run in one.saved:
        assert run.interrupted == (len(run.slices) < 4)
        assert run.failure is None
        assert run.readings
    one.assert_nothing_is_left()


def test_a_stop_before_the_first_slice_starts_nothing() -> None:
    one = world()
    one.stop = lambda: True
    one.run()
    assert not one.events
    assert not one.saved


def test_a_stop_in_the_warm_up_saves_nothing_and_closes_everything() -> None:
    one = world()
    one.stop = lambda: sum(event.what == "prepare" for event in one.events) >= 2
    one.run()
    assert not one.saved
    assert len(one.workers) == 4
    one.assert_nothing_is_left()


@pytest.mark.parametrize("after", range(10))
@pytest.mark.parametrize("what", ["launch", "prepare", "calibrate", "measure", "finish"])
def test_an_interrupt_anywhere_saves_the_slices_that_were_served_and_closes_everything(
    what: str, after: int
) -> None:
    one = world(threads=(1, 2), observers=("stacks",), blocks=2)
    one.fault = failing("", what, error=KeyboardInterrupt(), times=1, after=after)
    with pytest.raises(KeyboardInterrupt):
        one.run()
    served = len(one.slices()) - (what == "measure")  # the last one was cut short
    assert sum(len(run.slices) for run in one.saved) == served
    assert not [run for run in one.saved if run.failure]
    one.assert_nothing_is_left()


@pytest.mark.parametrize("after", range(4))
def test_an_error_of_gilbench_itself_leaves_no_worker_behind(after: int) -> None:
    one = world()
    one.fault = failing("", "measure", error=ZeroDivisionError(), times=1, after=after)
    with pytest.raises(ZeroDivisionError):
        one.run()
    one.assert_nothing_is_left()


@pytest.mark.parametrize("saved", [0, 1, 3])
def test_a_full_disk_ends_the_session_and_leaves_no_worker_behind(saved: int) -> None:
    one = world()

    def save(run: Run) -> None:
        if len(one.saved) >= saved:
            raise StudyError("the disk is full")
        one.saved.append(run)

    one.save = save
    with pytest.raises(StudyError, match="full"):
        one.run()
    assert len(one.saved) == saved
    one.assert_nothing_is_left()


def test_a_worker_that_cannot_be_closed_does_not_keep_the_others_open() -> None:
    one = world()
    stop_after(one, 5)
    one.fault = failing("countdown 3.13 1", "closing", error=OSError("odd"))
    with pytest.raises(OSError, match="odd"):
        one.run()
    one.assert_nothing_is_left()


# --- trains ---------------------------------------------------------------------------------------------


def test_one_thread_serves_a_train_before_the_long_slices_and_alone_in_short_blocks() -> None:
    one = world(train_seconds=0.08, blocks=4, long_every=2)
    one.run()
    alone = ("countdown 3.13 1", "countdown 3.13t 1")
    assert [names for names, _, _ in one.trains] == [alone] * 4
    assert all(len(place.cpus) == 1 for _, place, _ in one.trains)
    assert len({seed for _, _, seed in one.trains}) == 4
    for run in one.saved:
        threads = one.plan.cases[run.case].threads
        assert (run.train is not None) is (threads == 1)
        assert bool(run.slices) is (run.block % 2 == 0)
    assert Counter(run.block for run in one.saved) == {0: 4, 1: 2, 2: 4, 3: 2}
    kinds = [event.what for event in one.events]
    assert kinds.index("train") < [
        event.what == "measure" and (event.turn or 0) >= 0 for event in one.events
    ].index(True)
    one.assert_nothing_is_left()


def test_a_worker_that_breaks_a_train_ends_and_the_others_start_it_again() -> None:
    two = make_workload("a")
    one = world(two, threads=(1,), train_seconds=0.08, blocks=1)
    third = msgspec.structs.replace(one.plan.cases[1], gil=True)
    plan = msgspec.structs.replace(one.plan, cases=(*one.plan.cases, third))
    one = World(plan, [two])
    broken: list[Event] = []

    def fault(event: Event) -> None:
        if event.what == "train" and event.worker == "a 3.13t 1" and not broken:
            broken.append(event)
            raise RunFailure("crash", "killed")

    one.fault = fault
    one.run()
    assert [len(names) for names, _, _ in one.trains] == [3, 2]
    assert sorted((run.failure is not None, run.train is not None) for run in one.saved) == [
        (False, True),
        (False, True),
        (True, False),
    ]
    one.assert_nothing_is_left()


def test_short_blocks_leave_out_builds_that_need_a_long_warm_up() -> None:
    one = world(threads=(1,), train_seconds=0.08, blocks=2, long_every=2)
    one.run(jit=frozenset({"3.13t"}))
    assert {run.block for run in one.saved} == {0}  # nothing to compare is left for block 1
    assert len(one.trains) == 1


def test_going_on_repeats_only_a_short_block_that_is_missing() -> None:
    one = world(train_seconds=0.08, blocks=3, long_every=2)
    one.run()
    two = world(train_seconds=0.08, blocks=3, long_every=2)
    two.run(earlier=[run for run in one.saved if run.block != 1])
    assert {run.block for run in two.saved} == {1}
    assert len(two.saved) == 2


# --- going on -------------------------------------------------------------------------------------------


def test_going_on_runs_only_the_blocks_that_are_missing_and_counts_the_attempt() -> None:
    first = world(make_workload("a"), make_workload("b"))
    stop_after(first, 16 + 16 + 6)
    first.run()
    second = world(make_workload("a"), make_workload("b"))
    second.run(earlier=first.saved)
    order = [(group.block, group.workload) for group in planning.groups(second.plan, {})]
    torn = order[2]
    done = [
        (run.block, second.plan.cases[run.case].workload, run.attempt)
        for run in second.saved
        if not run.interrupted
    ]
    assert dict.fromkeys(done) == dict.fromkeys([(*key, int(key == torn)) for key in order[2:]])
    together = {(run.block, run.case) for run in (*first.saved, *second.saved) if not run.interrupted}
    assert len(together) == 3 * 8
    second.assert_nothing_is_left()


def test_an_attempt_in_a_new_order_is_not_the_old_one_again() -> None:
    first = world(threads=(1, 2, 4))
    stop_after(first, 3)
    first.run()
    second = world(threads=(1, 2, 4))
    second.run(earlier=first.saved)
    group = next(planning.groups(second.plan, {}))
    expected = planning.slice_order(second.plan, group, 1, second.workloads["countdown"])
    names = [
        f"countdown {second.plan.cases[i].interpreter} {second.plan.cases[i].threads}" for _, i in expected
    ]
    assert [name for name, _ in second.slices()[: len(names)]] == names


def test_a_second_interruption_is_a_third_attempt() -> None:
    runs: list[Run] = []
    for attempt in range(3):
        one = world(blocks=1)
        if attempt < 2:
            stop_after(one, 2)
        one.run(earlier=runs)
        assert {run.attempt for run in one.saved} == {attempt}
        runs += one.saved


def test_a_finished_study_has_nothing_to_go_on_with() -> None:
    first = world()
    first.run()
    second = world()
    second.run(earlier=first.saved)
    assert not second.events


def test_what_was_given_up_stays_given_up() -> None:
    first = world(blocks=3)
    first.fault = failing("countdown 3.13 2", "prepare", error=RunFailure("timeout", "no answer"))
    stop_after(first, 12)
    first.run()
    second = world(blocks=3)
    second.run(earlier=first.saved)
    assert second.slices()
    assert "countdown 3.13 2" not in {event.worker for event in second.events}


def test_a_session_that_was_killed_goes_on_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    whole = world()
    header = make_header(whole.plan, [named(name) for name in INTERPRETERS], [make_workload()])
    with StudyWriter(path, header) as writer:
        whole.save = writer.add
        whole.run()
    lines = path.read_bytes().splitlines(keepends=True)
    for kept in range(1, len(lines)):
        path.write_bytes(b"".join(lines[:kept]) + lines[kept][: len(lines[kept]) // 2])
        second = world()
        earlier = read_study(path).runs
        assert len(earlier) == kept - 1
        with StudyWriter(path, None) as writer:
            second.save = writer.add
            second.run(earlier=earlier)
        found = read_study(path)
        assert {(run.block, run.case) for run in found.runs} == {(b, c) for b in range(3) for c in range(4)}
        assert not found.warnings


def test_the_loop_knows_nothing_of_real_workers() -> None:
    names = vars(sessions)
    assert "Worker" not in names
    assert "Endpoint" not in names


def test_one_that_does_not_come_to_rest_is_warmed_up_by_a_slice_at_least(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gilbench.run.warmup.settle", lambda _pid, limit: max(limit, 0.0))
    one = world(threads=(1,), warmup_seconds=1.0, blocks=1)
    one.run(jit=frozenset(INTERPRETERS))
    assert len([turn for _, turn, _, _ in one.asked if turn < 0]) == len(INTERPRETERS)
    assert len(one.saved) == 2
