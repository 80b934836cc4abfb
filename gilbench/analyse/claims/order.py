"""Claim 5: whether I/O-bound threads run ahead of CPU-bound threads."""

from __future__ import annotations

import math

from gilbench.analyse.claims.claim import Claim, ClaimExperiment, Limit, retained
from gilbench.analyse.claims.evidence import Evidence, Spot, has_new_gil, has_old_gil
from gilbench.analyse.claims.implementations import LOCKED
from gilbench.analyse.study.published import COLLAPSE
from gilbench.model.scores import Configuration
from gilbench.plan.axes import SWITCH_INTERVAL

_ECHO = Spot("tcp_echo_cpu", 1)
EQUAL = 0.5
"""Of the unloaded throughput: what a thread keeps that shares a lock equally with one other."""
SHARE = math.sqrt(1 / 3)
"""Of the unloaded throughput: halfway, as a ratio, between all and the third that one of three threads keeps if they
share a lock equally. If the threads that make system calls run ahead, it keeps 0.2 to 0.27, and 0.2 to 0.43 on PyPy; if
they wait, 0.9 or more."""


def _no_lock(configuration: Configuration, _cpus: int) -> str | None:
    one = (
        configuration.interpreter.build.implementation in LOCKED
        or has_old_gil(configuration)
        or has_new_gil(configuration)
    )
    return None if one else "no GIL"


def _convoy(evidence: Evidence, configuration: Configuration, limit: Limit) -> Limit:
    """Return the limit for the request time of this host: halfway, as a ratio, between an equal share and a convoy.

    In a convoy, each request takes a switch interval longer.
    """
    seconds = 1 / evidence.figure(evidence.rates(configuration, _ECHO._replace(threads=0)), "1/s").value
    return limit._replace(value=math.sqrt(EQUAL * seconds / (seconds + SWITCH_INTERVAL)))


def order() -> Claim:
    """Claim 5: an echo server with a CPU-bound thread, and a computation with threads that make system calls."""
    computing = Spot("io_before_cpu", 2)
    return Claim(
        number=5,
        title="I/O-bound threads are scheduled ahead of CPU-bound ones",
        experiments=(
            ClaimExperiment(
                key="echo",
                part="a CPU-bound thread does not delay an echo server (no convoy)",
                measured="throughput of tcp_echo_cpu with one CPU-bound thread, vs unloaded",
                spots=(_ECHO, _ECHO._replace(threads=0)),
                read=retained(_ECHO),
                limit=Limit(COLLAPSE, "above"),
                adapt=_convoy,
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
