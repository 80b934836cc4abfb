"""Claim 5: who is served first, threads that compute or threads that do I/O."""

from __future__ import annotations

from gilbench.analyse.claims.claim import Claim, Experiment, Limit, metric
from gilbench.analyse.claims.evidence import Spot, has_new_gil, has_old_gil
from gilbench.analyse.claims.implementations import LOCKED
from gilbench.run.properties import Column

COLLAPSED = 0.16
"""Of the quiet throughput. Under the new GIL an echo keeps 1 %, on PyPy 10 %, on Jython, where each message passes
through threads of its network library, 25 %, elsewhere half and more."""
SHARE = 0.6
"""Of the throughput alone. One of three threads that are served alike under one lock keeps a third. Where those that
make system calls run ahead it was seen to be 0.2 to 0.27, on PyPy 0.2 to 0.43, and 0.9 and more where they wait."""


def _no_lock(column: Column, _cpus: int) -> str | None:
    one = column.interpreter.build.implementation in LOCKED or has_old_gil(column) or has_new_gil(column)
    return None if one else "there is no lock to share"


def order() -> Claim:
    """Claim 5: an echo beside a thread that computes, and a computation beside threads that make system calls."""
    echo, computing = Spot("tcp_echo_cpu", 1), Spot("io_before_cpu", 2)
    return Claim(
        number=5,
        title="I/O-bound threads are scheduled ahead of CPU-bound ones",
        experiments=(
            Experiment(
                key="echo",
                part="an echo is not held up by a busy thread (no convoy)",
                measured="throughput that tcp_echo_cpu keeps beside one busy thread",
                spots=(echo, echo._replace(threads=0)),
                read=metric("retained", echo),
                limit=Limit(COLLAPSED, "above"),
            ),
            Experiment(
                key="computing",
                part="two that make system calls take their share from one that computes",
                measured="throughput that countdown keeps beside two threads of null_write, in io_before_cpu",
                spots=(computing, computing._replace(threads=0)),
                read=lambda evidence, column: evidence.kept(column, computing),
                limit=Limit(SHARE, "below"),
                lacks=_no_lock,
                aside=True,
            ),
        ),
    )
