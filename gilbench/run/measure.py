"""A plan run for real: on these interpreters, with a peer outside."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Mapping, Sequence

from gilbench.model import Interpreter, Plan, Run, Workload
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
) -> None:
    """Run what is left of a plan.

    Args:
        plan: What to run.
        interpreters: Those that the plan names.
        workloads: Declarations by name: those of the plan, and those that serve as fore- and background.
        hooks: Where runs and progress go, and when to stop.
        earlier: Runs of the same plan that need not be run again.
        worker: Our end of a worker.
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
    )
    try:
        session.run()
    finally:
        peer.close()


def _allow_many_descriptors() -> None:
    """A block of a large matrix keeps three descriptors for each of its workers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
