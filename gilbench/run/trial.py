"""Calls the user's own code once before it is measured, to see whether it works and how long it takes."""

from __future__ import annotations

from gilbench.model.errors import RunFailure
from gilbench.model.study import Case, Interpreter, Workload
from gilbench.run.peer import Peer
from gilbench.run.worker import START_LIMIT, Worker


def try_case(case: Case, interpreter: Interpreter, workload: Workload) -> float:
    """Start a worker of a case, let each thread repeat its operation once, and return the length of another one.

    Returns:
        Seconds of one operation.

    Raises:
        RunFailure: The interpreter cannot be started, or the operation failed.
    """
    worker = Worker(case, interpreter, {workload.name: workload}, Peer())
    try:
        worker.prepare()
        return worker.operation_seconds()
    except RunFailure as failure:
        if failure.kind == "timeout":
            raise RunFailure(failure.kind, f"took longer than {START_LIMIT:.0f} s") from failure
        raise
    finally:
        worker.close()
