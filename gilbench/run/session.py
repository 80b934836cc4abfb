"""The main loop of a run: block by block, it interleaves the slices of all cases of a workload."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from gilbench.host.description import NoiseMeter
from gilbench.host.placement import Layout, Placement, place
from gilbench.model.errors import RunFailure
from gilbench.model.excerpt import excerpt
from gilbench.model.study import Case, Failure, Host, Parameters, Plan, Run, Workload
from gilbench.observe import OBSERVERS, Watch
from gilbench.plan import blocks as planning
from gilbench.run.control import ControlledBlock, Controls
from gilbench.run.done import Done
from gilbench.run.served import Measurable, Served
from gilbench.run.slot import Slot
from gilbench.run.train import Ride, serve_train
from gilbench.run.warmup import REST, WarmUp, settle


class Hooks(NamedTuple):
    """Functions that a session calls."""

    save: Callable[[Run], None]
    stop: Callable[[], bool]  # asked after each slice
    progress: Callable[[str, float], None]  # the current step, and the fraction of the plan that is done
    choose: Callable[[planning.Group], planning.Group] = lambda group: group
    """Called before each block of a workload: selects the cases to run."""


class Session:
    """Runs a plan.

    Args:
        plan: The plan.
        workloads: Declarations by name.
        jit: Names of the interpreters whose JIT compiler is on by default.
        launch: Starts the worker of a case.
        hooks: Called with runs and progress; asked when to stop.
        host: What is known of the host.
        earlier: Runs of the same plan that are not repeated.
        controls: Measures what the host gives; None: it is not measured.
        observers: The observers by name.
        serve_train: Serves a train with some workers.
        groups: The groups to run, with the number of earlier attempts at each; None: all of the plan.
    """

    def __init__(
        self,
        plan: Plan,
        workloads: Mapping[str, Workload],
        jit: frozenset[str],
        launch: Callable[[Case], Measurable],
        hooks: Hooks,
        *,
        host: Host | None = None,
        earlier: Iterable[Run] = (),
        controls: Controls | None = None,
        observers: Mapping[str, Watch] = OBSERVERS,
        serve_train: Callable[[Sequence[Served], Placement, float, str], list[Ride]] = serve_train,
        groups: Mapping[planning.Group, int] | None = None,
    ) -> None:
        self._serve_train = serve_train
        self._groups = groups
        self._plan = plan
        self._layout = Layout(plan.cpus, host)
        self._workloads = workloads
        self._jit = jit
        self._launch = launch
        self._hooks = hooks
        self._controls = controls
        self._observers = observers
        before = tuple(earlier)
        self._done = Done(plan, before)
        for group, attempts in (groups or {}).items():
            self._done.attempts[group.block, group.workload] = attempts
        self._warm_up = WarmUp(plan)
        self._checksums: dict[tuple[str, Parameters], str] = {
            (workload.name, ()): workload.checksum for workload in workloads.values() if workload.checksum
        }
        for run in before:
            case = plan.cases[run.case]
            for checksum in (slice_.checksum for slice_ in run.slices if slice_.checksum):
                self._checksums.setdefault((case.workload, case.parameters), checksum)

    def run(self) -> None:
        """Run the runs of the groups that are missing, until ``Hooks.stop`` returns true."""
        short = planning.short_cases(self._plan, self._workloads, self._jit)
        everything = list(planning.groups(self._plan, short) if self._groups is None else self._groups)
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
        self._stays = (
            self._workload.driver != "command"
        )  # its workers are processes that stay alive between slices
        self._behind, self._share = behind, share
        self._attempt = session._done.attempts[group.block, group.workload]
        self._slots = {
            index: Slot(index, self._plan.cases[index])
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
            self._noise = NoiseMeter()  # a quota can stop the concurrent start, which is not measured
            self._serve_train()
            self._measure_controls()
            self._serve()
            if not self._group.long and not self._hooks.stop():
                for slot in self._present():
                    self._leave(slot)
        finally:
            with contextlib.ExitStack() as leaving:  # end all slots, even if one cannot be saved
                for slot in reversed(self._present()):
                    leaving.callback(self._interrupt, slot)

    def _serve_train(self) -> None:
        """Serve the train of the block. If a worker fails, the others start it again without that worker."""
        while not self._hooks.stop():
            riding = planning.train_cases(
                self._plan, self._workload, [slot.index for slot in self._present()]
            )
            slots = [slot for slot in self._present() if slot.index in riding]
            if not slots:
                return
            self._tell("train", 0.0)
            place = self._place(slots[0], self._group.block)
            seed = f"{self._plan.seed}/{self._group.block}/{self._group.workload}/{self._attempt}/train"
            rides = self._session._serve_train(
                [slot.served for slot in slots], place, self._plan.effort.train_seconds, seed
            )
            for slot, ride in zip(slots, rides, strict=True):
                if self._guarded(slot, self._take_train, ride):
                    self._rest(slot)
            if not any(ride.failure for ride in rides):
                return

    def _measure_controls(self) -> None:
        """Measure what the host gives on the CPUs of the first round."""
        if self._session._controls is None or not self._group.long:
            return
        block = ControlledBlock(self._session._controls, self._workload)
        for slot in self._present():
            if self._hooks.stop():
                return
            place = self._place(slot, self._group.block // self._plan.effort.long_every)
            slot.control = block.measure(slot.case, place)

    def _take_train(self, slot: Slot, ride: Ride) -> None:
        if ride.failure is not None:
            raise ride.failure
        slot.train = ride.train
        if ride.train is not None:
            self._verify(slot.case, ride.train.checksum)

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

    def _present(self) -> list[Slot]:
        return list(self._slots.values())

    def _tell(self, text: str, done: float) -> None:
        where = f"block {self._group.block + 1}/{self._plan.effort.blocks} {self._group.workload} {text}"
        self._hooks.progress(where.rstrip(), self._behind + self._share * done)

    def _guarded(self, slot: Slot, action: Callable[..., None], *args: int | Ride) -> bool:
        """Run an action on a slot. If it fails, record the failure and end the slot."""
        try:
            action(slot, *args)
        except RunFailure as failure:
            output = slot.worker.output() if slot.worker is not None else ""
            self._leave(slot, Failure(kind=failure.kind, message=failure.message, output=output))
            return False
        return True

    def _interrupt(self, slot: Slot) -> None:
        if not slot.slices:
            with contextlib.suppress(RunFailure):
                slot.close()
            return
        try:
            slot.finish()
        finally:
            self._leave(slot, interrupted=True)

    def _leave(self, slot: Slot, failure: Failure | None = None, *, interrupted: bool = False) -> None:
        del self._slots[slot.index]
        try:
            slot.close()
        except RunFailure as late:  # a command that cleans up
            failure = failure or Failure(kind=late.kind, message=late.message)
        run = Run(
            case=slot.index,
            block=self._group.block,
            attempt=self._attempt,
            environment=slot.environment,
            slices=tuple(slot.slices),
            train=slot.train,
            readings=slot.readings,
            control=slot.control,
            failure=failure,
            interrupted=interrupted,
            noise=self._noise.read(),
        )
        self._session._done.add(run)
        self._hooks.save(run)

    def _start(self, slot: Slot) -> None:
        slot.worker = self._session._launch(slot.case)

    def _warm_up(self, slot: Slot) -> None:
        if not self._stays:
            slot.environment = slot.running.prepare()
            return
        worker, effort = slot.served, self._plan.effort
        environment = worker.prepare()
        worker.calibrate()
        if planning.compiles(slot.case, self._session._jit):
            self._session._warm_up.run(slot.index, slot.case, worker)
        elif not (self._workload.peer or self._workload.scheduled or self._workload.operation_seconds):
            worker.measure(-1, self._place(slot, 0), effort.slice_seconds / 2, 0.0, 0)
        slot.environment = msgspec.structs.replace(environment, loops=worker.calibrate())

    def _measure(self, slot: Slot, round_: int) -> None:
        case, effort, block = slot.case, self._plan.effort, self._group.block
        if self._stays and not slot.watchers:
            slot.watchers = [
                watch.begin(slot.running.pid)
                for name, watch in self._session._observers.items()
                if watch.always or name in case.observers
            ]
        # All cases of one round get the same schedule of requests.
        seed = random.Random(f"{self._plan.seed}/{block}/{case.workload}/{round_}").getrandbits(32)
        seconds = planning.slice_seconds(case, effort)
        slice_ = slot.running.measure(
            round_,
            self._place(slot, block // effort.long_every + round_),
            seconds,
            effort.latency_seconds,
            seed,
        )
        if slice_.checksum:
            self._verify(case, slice_.checksum)
        slot.slices.append(slice_)
        self._rest(slot)

    def _rest(self, slot: Slot) -> None:
        """Let a JIT compiler finish. Otherwise, it would compile during the slices of other cases."""
        if self._stays and planning.compiles(slot.case, self._session._jit):
            settle(slot.running.pid, REST)

    def _verify(self, case: Case, checksum: str) -> None:
        expected = self._session._checksums.setdefault((case.workload, case.parameters), checksum)
        if checksum != expected:
            raise RunFailure(
                "checksum", f"checksum {excerpt(checksum, 40)} instead of {excerpt(expected, 40)}"
            )

    def _place(self, slot: Slot, rotation: int) -> Placement:
        return place(slot.case, self._workload.driver, self._session._layout, rotation)
