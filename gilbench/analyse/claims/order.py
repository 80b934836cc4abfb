"""Claim 5: whether I/O-bound threads run ahead of CPU-bound threads."""

from __future__ import annotations

from gilbench.analyse.claims.claim import Claim, ClaimExperiment, Limit, retained
from gilbench.analyse.claims.evidence import Spot, has_new_gil, has_old_gil
from gilbench.analyse.claims.implementations import LOCKED
from gilbench.analyse.study.published import COLLAPSE
from gilbench.model.scores import Configuration

SHARE = 0.6
"""Of the unloaded throughput. One of three threads that share one lock equally keeps a third. If the threads that make
system calls run ahead, it keeps 0.2 to 0.27, and 0.2 to 0.43 on PyPy; if they wait, 0.9 or more."""


def _no_lock(configuration: Configuration, _cpus: int) -> str | None:
    one = (
        configuration.interpreter.build.implementation in LOCKED
        or has_old_gil(configuration)
        or has_new_gil(configuration)
    )
    return None if one else "no GIL"


def order() -> Claim:
    """Claim 5: an echo server with a CPU-bound thread, and a computation with threads that make system calls."""
    echo, computing = Spot("tcp_echo_cpu", 1), Spot("io_before_cpu", 2)
    return Claim(
        number=5,
        title="I/O-bound threads are scheduled ahead of CPU-bound ones",
        experiments=(
            ClaimExperiment(
                key="echo",
                part="a CPU-bound thread does not delay an echo server (no convoy)",
                measured="throughput of tcp_echo_cpu with one CPU-bound thread, vs unloaded",
                spots=(echo, echo._replace(threads=0)),
                read=retained(echo),
                limit=Limit(COLLAPSE, "above"),
            ),
            ClaimExperiment(
                key="computing",
                part="two threads that make system calls get their share from one that computes",
                measured="throughput of countdown with two threads of null_write (io_before_cpu), vs unloaded",
                spots=(computing, computing._replace(threads=0)),
                read=retained(computing),
                limit=Limit(SHARE, "below"),
                lacks=_no_lock,
                aside=True,
            ),
        ),
    )
