"""The main loop of a run: block by block, it interleaves the slices of all cases of a workload."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from gilbench.host.description import NoiseMeter
from gilbench.host.placement import Placement, place
from gilbench.model.errors import RunFailure
from gilbench.model.study import Case, Environment, Failure, Parameters, Plan, Reading, Run, Slice, Workload
from gilbench.observe import OBSERVERS, Observer, Watch
from gilbench.plan import blocks as planning
from gilbench.run.served import Served
from gilbench.run.warmup import REST, WarmUp, settle

FAILURES_UNTIL_GIVEN_UP = 2
_HOPELESS = frozenset({"timeout", "unsupported"})  # a retry would take minutes, or fail again


class Hooks(NamedTuple):
    """Functions that a session calls."""

    save: Callable[[Run], None]
    stop: Callable[[], bool]  # asked after each slice
    progress: Callable[[str, float], None]  # the current step, and the fraction of the plan that is done
    choose: Callable[[planning.Group], planning.Group] = lambda group: group
    """Called before each block of a workload: selects the cases to run."""


class _Slot:
    """One case in its block: its worker, and the slices and readings so far."""

    def __init__(self, index: int, case: Case) -> None:
        self.index, self.case = index, case
        self.worker: Served | None = None
        self.environment: Environment | None = None
        self.slices: list[Slice] = []
        self.watchers: list[Observer] = []
        self.readings: tuple[Reading, ...] = ()

    @property
    def running(self) -> Served:
        """The worker of a slot that has started."""
        assert self.worker is not None  # noqa: S101 - a slot whose worker did not start has been removed
        return self.worker

    def finish(self) -> None:
        """Take the readings while the worker is alive."""
        busy = sum(slice_.end - slice_.start for slice_ in self.slices)
        while self.watchers:  # an interrupted observer is not asked again
            self.readings += (self.watchers.pop(0).finish(busy),)

    def close(self) -> None:
        """End the worker, and the observers of a failed run, whose readings are discarded."""
        with contextlib.ExitStack() as leaving:
            if self.worker is not None:
                leaving.callback(self.worker.close)
            while self.watchers:
                leaving.callback(self.watchers.pop().finish, 0.0)


class Session:
    """Runs a plan.

    Args:
        plan: The plan.
        workloads: Declarations by name.
        jit: Names of the interpreters with a JIT compiler.
        launch: Starts the worker of a case.
        hooks: Called with runs and progress; asked when to stop.
        earlier: Runs of the same plan that are not repeated.
        observers: The observers by name.
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
        observers: Mapping[str, Watch] = OBSERVERS,
    ) -> None:
        self._plan = plan
        self._workloads = workloads
        self._jit = jit
        self._launch = launch
        self._hooks = hooks
        self._observers = observers
        before = tuple(earlier)
        self._done = _Done(plan, before)
        self._warm_up = WarmUp(plan)
        self._checksums: dict[tuple[str, Parameters], str] = {
            (workload.name, ()): workload.checksum for workload in workloads.values() if workload.checksum
        }
        for run in before:
            case = plan.cases[run.case]
            for checksum in (slice_.checksum for slice_ in run.slices if slice_.checksum):
                self._checksums.setdefault((case.workload, case.parameters), checksum)

    def run(self) -> None:
        """Run the runs of the plan that are missing, until ``Hooks.stop`` returns true."""
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
    """One block of one workload. Its case slots start together, are measured slice by slice, and end one by one.

    Args:
        session: The session of the plan.
        group: The cases of the block.
        behind: Fraction of the plan that is done.
        share: Fraction of the plan in this block.
    """

    def __init__(self, session: Session, group: planning.Group, behind: float, share: float) -> None:
        self._session, self._group = session, group
        self._plan, self._hooks = session._plan, session._hooks
        self._workload = session._workloads[group.workload]
        self._behind, self._share = behind, share
        self._attempt = session._done.attempts[group.block, group.workload]
        self._slots = {
            index: _Slot(index, self._plan.cases[index])
            for index in group.cases
            if not session._done.given_up(index)
        }
        self._noise = NoiseMeter()

    def run(self) -> None:
        """Run the block. In any case, save its slices and leave no process behind."""
        try:
            # All processes start concurrently. Everything after that runs strictly one at a time.
            for slot in self._present():
                self._guarded(slot, self._start)
            for slot in self._present():
                if not self._hooks.stop():
                    self._tell("warm-up", 0.0)
                    self._guarded(slot, self._warm_up)
            self._serve()
        finally:
            with contextlib.ExitStack() as leaving:  # end all slots, even if one cannot be saved
                for slot in reversed(self._present()):
                    leaving.callback(self._interrupt, slot)

    def _serve(self) -> None:
        order = planning.slice_order(self._plan, self._group, self._attempt, self._workload)
        left = Counter(index for _, index in order)
        for number, (round_, index) in enumerate(order):
            slot = self._slots.get(index)
            if slot is None:
                continue
            if self._hooks.stop():
                return
            self._tell("", number / len(order))
            left[index] -= 1
            if self._guarded(slot, self._measure, round_) and not left[index]:
                slot.finish()
                self._leave(slot)

    def _present(self) -> list[_Slot]:
        return list(self._slots.values())

    def _tell(self, text: str, done: float) -> None:
        where = f"block {self._group.block + 1}/{self._plan.effort.blocks} {self._group.workload} {text}"
        self._hooks.progress(where.rstrip(), self._behind + self._share * done)

    def _guarded(self, slot: _Slot, action: Callable[..., None], *args: int) -> bool:
        """Run an action on a slot. If it fails, record the failure and end the slot."""
        try:
            action(slot, *args)
        except RunFailure as failure:
            output = slot.worker.output() if slot.worker is not None else ""
            self._leave(slot, Failure(kind=failure.kind, message=failure.message, output=output))
            return False
        return True

    def _interrupt(self, slot: _Slot) -> None:
        if not slot.slices:
            slot.close()
            return
        try:
            slot.finish()
        finally:
            self._leave(slot, interrupted=True)

    def _leave(self, slot: _Slot, failure: Failure | None = None, *, interrupted: bool = False) -> None:
        del self._slots[slot.index]
        slot.close()
        run = Run(
            case=slot.index,
            block=self._group.block,
            attempt=self._attempt,
            environment=slot.environment,
            slices=tuple(slot.slices),
            readings=slot.readings,
            failure=failure,
            interrupted=interrupted,
            noise=self._noise.read(),
        )
        self._session._done.add(run)
        self._hooks.save(run)

    def _start(self, slot: _Slot) -> None:
        slot.worker = self._session._launch(slot.case)

    def _warm_up(self, slot: _Slot) -> None:
        worker, effort = slot.running, self._plan.effort
        environment = worker.prepare()
        worker.calibrate()
        if slot.case.interpreter in self._session._jit:
            self._session._warm_up.run(slot.index, slot.case, worker)
        elif not (self._workload.peer or self._workload.scheduled):
            worker.measure(-1, self._place(slot, 0), effort.slice_seconds / 2, 0.0, 0)
        slot.environment = msgspec.structs.replace(environment, loops=worker.calibrate())

    def _measure(self, slot: _Slot, round_: int) -> None:
        case, effort, block = slot.case, self._plan.effort, self._group.block
        if not slot.watchers:
            slot.watchers = [
                watch.begin(slot.running.pid)
                for name, watch in self._session._observers.items()
                if watch.always or name in case.observers
            ]
        # All cases of one round get the same schedule of requests.
        seed = random.Random(f"{self._plan.seed}/{block}/{case.workload}/{round_}").getrandbits(32)
        seconds = planning.slice_seconds(case, effort)
        slice_ = slot.running.measure(
            round_, self._place(slot, block + round_), seconds, effort.latency_seconds, seed
        )
        if slice_.checksum:
            key = case.workload, case.parameters
            expected = self._session._checksums.setdefault(key, slice_.checksum)
            if slice_.checksum != expected:
                raise RunFailure("checksum", f"checksum {slice_.checksum[:40]} instead of {expected[:40]}")
        slot.slices.append(slice_)
        if case.interpreter in self._session._jit:
            settle(slot.running.pid, REST)  # otherwise, it would compile during the slices of other cases

    def _place(self, slot: _Slot, rotation: int) -> Placement:
        return place(slot.case, self._workload.driver, self._plan.cpus, rotation)


class _Done:
    """The runs of a plan that are done, in this session and earlier."""

    def __init__(self, plan: Plan, runs: Iterable[Run]) -> None:
        self._plan = plan
        self._runs: set[tuple[int, int]] = set()  # block and case
        self._failures: Counter[int] = Counter()
        self.attempts: Counter[tuple[int, str]] = Counter()  # attempts at a group in earlier sessions
        for run in runs:
            self.add(run)
            key = run.block, plan.cases[run.case].workload
            self.attempts[key] = max(self.attempts[key], run.attempt + 1)

    def add(self, run: Run) -> None:
        """Add a run."""
        if run.failure is not None:
            hopeless = run.failure.kind in _HOPELESS
            self._failures[run.case] += FAILURES_UNTIL_GIVEN_UP if hopeless else 1
        if not run.interrupted:
            self._runs.add((run.block, run.case))

    def given_up(self, case: int) -> bool:
        """Whether a case has failed too often to be retried."""
        return self._failures[case] >= FAILURES_UNTIL_GIVEN_UP

    def finished(self, group: planning.Group) -> bool:
        """Whether every case of a group has a finished run in any attempt, or was given up."""
        return all((group.block, case) in self._runs or self.given_up(case) for case in group.cases)
