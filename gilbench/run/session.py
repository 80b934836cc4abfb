"""The loop: block by block, all cases of a workload side by side, slice by slice in turn."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from gilbench import observe
from gilbench import plan as planning
from gilbench.errors import RunFailure
from gilbench.host import NoiseMeter
from gilbench.model import Case, Environment, Failure, Parameters, Plan, Reading, Run, Slice, Workload
from gilbench.run.affinity import Placement, place
from gilbench.run.served import Served
from gilbench.run.warmup import REST, WarmUp, settle

FAILURES_UNTIL_GIVEN_UP = 2
_HOPELESS = frozenset({"timeout", "unsupported"})  # trying again would cost minutes, or change nothing


class Hooks(NamedTuple):
    """What a session tells and asks its surroundings."""

    save: Callable[[Run], None]
    stop: Callable[[], bool]  # asked after each slice
    progress: Callable[[str, float], None]  # what is done now, and which share of the plan is behind us
    choose: Callable[[planning.Group], planning.Group] = lambda group: group
    """Asked before each block of a workload: which of its cases are to be run."""


class _Seat:
    """One case in its block: its worker, and what that has given so far."""

    def __init__(self, index: int, case: Case) -> None:
        self.index, self.case = index, case
        self.worker: Served | None = None
        self.environment: Environment | None = None
        self.slices: list[Slice] = []
        self.watchers: list[observe.Observer] = []
        self.readings: tuple[Reading, ...] = ()

    @property
    def running(self) -> Served:
        """The worker of a seat that has come up."""
        assert self.worker is not None  # noqa: S101 - a seat whose worker did not start has been left
        return self.worker

    def finish(self) -> None:
        """Take the readings; the worker must still be there."""
        busy = sum(piece.end - piece.start for piece in self.slices)
        while self.watchers:  # one that is interrupted meanwhile is not asked again
            self.readings += (self.watchers.pop(0).finish(busy),)

    def close(self) -> None:
        """End the worker and whoever still watches it: of a run that failed, whose readings mean nothing."""
        with contextlib.ExitStack() as leaving:
            if self.worker is not None:
                leaving.callback(self.worker.close)
            while self.watchers:
                leaving.callback(self.watchers.pop().finish, 0.0)


class Session:
    """Runs a plan.

    Args:
        plan: What to run.
        workloads: Declarations by name.
        jit: Names of the interpreters that compile as they run.
        launch: Starts the worker of a case.
        hooks: Where runs and progress go, and when to stop.
        earlier: Runs of the same plan that need not be run again.
    """

    def __init__(
        self,
        plan: Plan,
        workloads: Mapping[str, Workload],
        jit: frozenset[str],
        launch: Callable[[Case], Served],
        hooks: Hooks,
        *,
        earlier: Iterable[Run] = (),
    ) -> None:
        self._plan = plan
        self._workloads = workloads
        self._jit = jit
        self._launch = launch
        self._hooks = hooks
        before = tuple(earlier)
        self._done = _Done(plan, before)
        self._warm_up = WarmUp(plan)
        self._checksums: dict[tuple[str, Parameters], str] = {
            (workload.name, ()): workload.checksum for workload in workloads.values() if workload.checksum
        }
        for run in before:
            case = plan.cases[run.case]
            for checksum in (piece.checksum for piece in run.slices if piece.checksum):
                self._checksums.setdefault((case.workload, case.parameters), checksum)

    def run(self) -> None:
        """Run what is left of the plan, until it is done or the hooks say stop."""
        everything = list(planning.groups(self._plan))
        for number, group in enumerate(everything):
            if self._hooks.stop():
                return
            if self._done.finished(group):
                continue
            chosen = self._hooks.choose(group)
            if chosen.cases:
                _Block(self, chosen, number / len(everything), 1 / len(everything)).run()


class _Block:
    """One block of one workload: its seats come up together, are served in turn, and leave one by one.

    Args:
        session: Whose plan it belongs to.
        group: Its cases.
        behind: Share of the plan that lies behind.
        share: Share of the plan that this block is.
    """

    def __init__(self, session: Session, group: planning.Group, behind: float, share: float) -> None:
        self._session, self._group = session, group
        self._plan, self._hooks = session._plan, session._hooks
        self._workload = session._workloads[group.workload]
        self._behind, self._share = behind, share
        self._attempt = session._done.attempts[group.block, group.workload]
        self._seats = {
            index: _Seat(index, self._plan.cases[index])
            for index in group.cases
            if not session._done.given_up(index)
        }
        self._noise = NoiseMeter()

    def run(self) -> None:
        """Run it; whatever happens, what was measured is saved and no process stays."""
        try:
            # All processes come up side by side; what follows is strictly one at a time.
            for seat in self._present():
                self._guarded(seat, self._start)
            for seat in self._present():
                if not self._hooks.stop():
                    self._tell("warm-up", 0.0)
                    self._guarded(seat, self._warm_up)
            self._serve()
        finally:
            with contextlib.ExitStack() as leaving:  # all of them, also where one cannot be saved
                for seat in reversed(self._present()):
                    leaving.callback(self._cut_short, seat)

    def _serve(self) -> None:
        order = planning.slice_order(self._plan, self._group, self._attempt, self._workload)
        left = Counter(index for _, index in order)
        for number, (turn, index) in enumerate(order):
            seat = self._seats.get(index)
            if seat is None:
                continue
            if self._hooks.stop():
                return
            self._tell("", number / len(order))
            left[index] -= 1
            if self._guarded(seat, self._measure, turn) and not left[index]:
                seat.finish()
                self._leave(seat)

    def _present(self) -> list[_Seat]:
        return list(self._seats.values())

    def _tell(self, text: str, done: float) -> None:
        where = f"block {self._group.block + 1}/{self._plan.profile.blocks} {self._group.workload} {text}"
        self._hooks.progress(where.rstrip(), self._behind + self._share * done)

    def _guarded(self, seat: _Seat, action: Callable[..., None], *args: int) -> bool:
        """Do something with a seat; where that fails, it leaves with the reason."""
        try:
            action(seat, *args)
        except RunFailure as failure:
            output = seat.worker.output() if seat.worker is not None else ""
            self._leave(seat, Failure(kind=failure.kind, message=failure.message, output=output))
            return False
        return True

    def _cut_short(self, seat: _Seat) -> None:
        if not seat.slices:
            seat.close()
            return
        try:
            seat.finish()
        finally:
            self._leave(seat, interrupted=True)

    def _leave(self, seat: _Seat, failure: Failure | None = None, *, interrupted: bool = False) -> None:
        del self._seats[seat.index]
        seat.close()
        run = Run(
            case=seat.index,
            block=self._group.block,
            attempt=self._attempt,
            environment=seat.environment,
            slices=tuple(seat.slices),
            readings=seat.readings,
            failure=failure,
            interrupted=interrupted,
            noise=self._noise.read(),
        )
        self._session._done.add(run)
        self._hooks.save(run)

    def _start(self, seat: _Seat) -> None:
        seat.worker = self._session._launch(seat.case)

    def _warm_up(self, seat: _Seat) -> None:
        worker, profile = seat.running, self._plan.profile
        environment = worker.prepare()
        worker.calibrate()
        if seat.case.interpreter in self._session._jit:
            self._session._warm_up.run(seat.index, seat.case, worker)
        elif not (self._workload.peer or self._workload.scheduled):
            worker.measure(-1, self._place(seat, 0), profile.slice_seconds / 2, 0.0, 0)
        seat.environment = msgspec.structs.replace(environment, loops=worker.calibrate())

    def _measure(self, seat: _Seat, turn: int) -> None:
        case, profile, block = seat.case, self._plan.profile, self._group.block
        if not seat.watchers:
            pid = seat.running.pid
            seat.watchers = [
                observe.ALWAYS(pid),
                *(observe.SAMPLERS[name](pid) for name in case.observers),
            ]
        # Cases of one turn get the same schedule of requests.
        seed = random.Random(f"{self._plan.seed}/{block}/{case.workload}/{turn}").getrandbits(32)
        seconds = planning.slice_seconds(case, profile)
        piece = seat.running.measure(
            turn, self._place(seat, block + turn), seconds, profile.latency_seconds, seed
        )
        if piece.checksum:
            key = case.workload, case.parameters
            expected = self._session._checksums.setdefault(key, piece.checksum)
            if piece.checksum != expected:
                raise RunFailure(
                    "checksum", f"the work gave {piece.checksum[:40]} instead of {expected[:40]}"
                )
        seat.slices.append(piece)
        if case.interpreter in self._session._jit:
            settle(seat.running.pid, REST)  # or it would compile beside the slices of others

    def _place(self, seat: _Seat, rotation: int) -> Placement:
        return place(seat.case, self._workload.driver, self._plan.cpus, rotation)


class _Done:
    """What has been run of a plan, in this session and before it."""

    def __init__(self, plan: Plan, runs: Iterable[Run]) -> None:
        self._plan = plan
        self._runs: set[tuple[int, int]] = set()  # block and case
        self._failures: Counter[int] = Counter()
        self.attempts: Counter[tuple[int, str]] = Counter()  # how often a group was begun in earlier sessions
        for run in runs:
            self.add(run)
            key = run.block, plan.cases[run.case].workload
            self.attempts[key] = max(self.attempts[key], run.attempt + 1)

    def add(self, run: Run) -> None:
        """Take note of a run."""
        if run.failure is not None:
            hopeless = run.failure.kind in _HOPELESS
            self._failures[run.case] += FAILURES_UNTIL_GIVEN_UP if hopeless else 1
        if not run.interrupted:
            self._runs.add((run.block, run.case))

    def given_up(self, case: int) -> bool:
        """Whether a case has failed so often that it is not tried again."""
        return self._failures[case] >= FAILURES_UNTIL_GIVEN_UP

    def finished(self, group: planning.Group) -> bool:
        """Whether every case of a group has a finished run, in whichever attempt, or was given up."""
        return all((group.block, case) in self._runs or self.given_up(case) for case in group.cases)
