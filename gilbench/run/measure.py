"""Runs a plan on real interpreters, with a load generator in a separate process."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Mapping, Sequence

from gilbench.model.study import Interpreter, Plan, Run, Workload
from gilbench.observe import OBSERVERS, Watch
from gilbench.run.peer import Peer
from gilbench.run.session import Hooks, Session
from gilbench.run.worker import Worker

_DESCRIPTORS = 8192


def run_plan(
    plan: Plan,
    interpreters: Sequence[Interpreter],
    workloads: Mapping[str, Workload],
    hooks: Hooks,
    *,
    earlier: Iterable[Run] = (),
    worker: type[Worker] = Worker,
    observers: Mapping[str, Watch] = OBSERVERS,
) -> None:
    """Run the runs of a plan that are missing.

    Args:
        plan: The plan.
        interpreters: The interpreters of the plan.
        workloads: Declarations by name, of the plan's workloads and of those that they combine.
        hooks: Called with runs and progress; asked when to stop.
        earlier: Runs of the same plan that are not repeated.
        worker: The class that starts a worker and speaks with it.
        observers: The observers by name.
    """
    _allow_many_descriptors()
    by_name = {interpreter.name: interpreter for interpreter in interpreters}
    peer = Peer()
    session = Session(
        plan,
        workloads,
        frozenset(name for name, interpreter in by_name.items() if interpreter.build.jit),
        lambda case: worker(case, by_name[case.interpreter], workloads, peer),
        hooks,
        earlier=earlier,
        observers=observers,
    )
    try:
        session.run()
    finally:
        peer.close()


def _allow_many_descriptors() -> None:
    """Raise the limit of open files: a block needs three descriptors for each worker."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
