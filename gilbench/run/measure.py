"""Runs a plan on real interpreters: first the counted cases, then the timed ones with their load generator."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Mapping, Sequence

from gilbench.model.study import Case, Host, Interpreter, Plan, Run, Workload
from gilbench.observe import OBSERVERS, Watch
from gilbench.observe.instructions import Counter
from gilbench.plan import counting
from gilbench.plan.blocks import Group
from gilbench.run.command import CommandRunner, CommandSession
from gilbench.run.control import HostControl
from gilbench.run.counting import run_counts
from gilbench.run.peer import Peer
from gilbench.run.served import Measurable
from gilbench.run.session import Hooks, Session
from gilbench.run.worker import Worker

_DESCRIPTORS = 8192


def run_plan(
    plan: Plan,
    interpreters: Sequence[Interpreter],
    workloads: Mapping[str, Workload],
    hooks: Hooks,
    *,
    host: Host | None = None,
    earlier: Iterable[Run] = (),
    worker: type[Worker] = Worker,
    observers: Mapping[str, Watch] = OBSERVERS,
    counter: Counter | None = None,
    groups: Mapping[Group, int] | None = None,
) -> None:
    """Run the runs of a plan that are missing.

    Args:
        plan: The plan.
        interpreters: The interpreters of the plan.
        workloads: Declarations by name, of the plan's workloads and of those that they combine.
        hooks: Called with runs and progress; asked when to stop.
        host: What is known of the host.
        earlier: Runs of the same plan that are not repeated.
        worker: The class that starts a worker and speaks with it.
        observers: The observers by name.
        counter: The tool for the counted cases; None: they are left out.
        groups: The groups to run, with the number of earlier attempts at each; None: all of the plan.
    """
    _allow_many_descriptors()
    by_name = {interpreter.name: interpreter for interpreter in interpreters}
    before = tuple(earlier)
    share = _share_of_counts(plan) if counter else 0.0
    if counter:
        run_counts(plan, by_name, workloads, _part(hooks, 0.0, share), counter, before)
    helpers = _Helpers(worker, by_name, workloads)
    session = Session(
        plan,
        workloads,
        frozenset(name for name, interpreter in by_name.items() if interpreter.build.jit),
        helpers.launch,
        _part(hooks, share, 1.0),
        host=host,
        earlier=before,
        controls=helpers.control,
        observers=observers,
        groups=groups,
    )
    try:
        session.run()
    finally:
        helpers.close()


class _Helpers:
    """The processes that a session starts once, and how it starts what measures a case."""

    def __init__(
        self,
        worker: type[Worker],
        interpreters: Mapping[str, Interpreter],
        workloads: Mapping[str, Workload],
    ) -> None:
        self._worker, self._interpreters, self._workloads = worker, interpreters, workloads
        self._peer, self._commands = Peer(), CommandSession()
        self.control = HostControl()

    def launch(self, case: Case) -> Measurable:
        """Start the worker of a case, unless it is a command."""
        interpreter, workload = self._interpreters[case.interpreter], self._workloads[case.workload]
        if workload.driver == "command":
            return CommandRunner(case, interpreter, workload, self._commands)
        return self._worker(case, interpreter, self._workloads, self._peer)

    def close(self) -> None:
        """End the processes."""
        for one in (self._commands, self.control, self._peer):
            one.close()


def _share_of_counts(plan: Plan) -> float:
    """Return the fraction of the planned time that counting takes."""
    seconds = counting.SECONDS * sum(map(counting.is_counted, plan.cases))
    return min(1.0, seconds / plan.seconds) if seconds else 0.0


def _part(hooks: Hooks, begin: float, end: float) -> Hooks:
    """Return the hooks for a part of the plan, from one fraction of its progress to another."""
    return hooks._replace(
        progress=lambda text, done: hooks.progress(text, begin + (end - begin) * done),
    )


def _allow_many_descriptors() -> None:
    """Raise the limit of open files: a block needs three descriptors for each worker."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
