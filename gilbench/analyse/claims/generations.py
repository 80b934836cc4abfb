"""Claim 9: the GIL of CPython since 3.2, compared with the older one."""

from __future__ import annotations

import math
from collections.abc import Callable

from gilbench.analyse.claims.claim import Claim, ClaimExperiment, Limit
from gilbench.analyse.claims.evidence import Evidence, Missing, Series, Spot, has_new_gil, has_old_gil, minus
from gilbench.analyse.claims.processors import one_processor
from gilbench.model.scores import Configuration

GAINED = math.sqrt(2)
"""Speedup on twice as many threads as CPUs, relative to the old GIL, whose speedup is a half there: halfway between
none and a half, as a ratio."""
LESS = math.sqrt(0.1)
"""Of a value of the old GIL: halfway, as a ratio, between the same and a tenth. What got worse was a tenth or less, or
ten times as late."""


Measured = Callable[[Evidence, Configuration], Series]


def generations(cores: int, cpus: int | None) -> Claim:
    """Claim 9: what improved since 2.7, and what regressed. It holds if both hold.

    Its cases are those of other claims.
    """
    threads = Spot("countdown", 2 * cores, cpus=cpus), Spot("countdown", 1)
    echo = Spot("tcp_echo_cpu", 1), Spot("tcp_echo_cpu", 0)
    join = Spot("ctrl_c", 1, (("main", "join"),))
    delivery = Spot("delivery", 2 * cores, cpus=cpus)
    return Claim(
        number=9,
        title="The new GIL (3.2) is better for CPU-bound threads and worse for threads that wait for events",
        experiments=(
            _experiment(
                "threads",
                "better: CPU-bound threads",
                f"speedup of countdown on {2 * cores} threads",
                threads,
                lambda evidence, one: evidence.scaled(one, threads[0], 1),
                Limit(GAINED, "above"),
            ),
            _experiment(
                "join",
                "better: Ctrl-C in Thread.join",
                "median delay of Ctrl-C in Thread.join (ctrl_c)",
                (join,),
                lambda evidence, one: evidence.delays(one, join, 0.5),
                Limit(LESS, "below"),
            ),
            _experiment(
                "echo",
                "worse: an echo server with a CPU-bound thread",
                "throughput of tcp_echo_cpu with one CPU-bound thread, vs unloaded",
                echo,
                lambda evidence, one: evidence.scaled(one, echo[0], 0),
                Limit(LESS, "below"),
            ),
            _experiment(
                "signals",
                "worse: signals with CPU-bound threads",
                f"median delay of signal handlers with {2 * cores} CPU-bound threads (delivery)",
                (delivery,),
                lambda evidence, one: evidence.delays(one, delivery, 0.5),
                Limit(1 / LESS, "above"),
            ),
        ),
    )


def _experiment(
    key: str, part: str, measured: str, spots: tuple[Spot, ...], series: Measured, limit: Limit
) -> ClaimExperiment:
    return ClaimExperiment(
        key=key,
        part=part,
        measured=f"{measured}, relative to the old GIL",
        spots=spots,
        read=lambda evidence, configuration: evidence.figure(
            minus(series(evidence, configuration), series(evidence, _old(evidence))), "x"
        ),
        limit=limit,
        lacks=_new_alone,
    )


def _old(evidence: Evidence) -> Configuration:
    """Return the configuration with the old GIL: CPython, else Stackless."""
    found = filter(has_old_gil, evidence.configurations)
    for configuration in sorted(found, key=lambda one: one.interpreter.build.implementation):
        return configuration
    raise Missing("not here", "no interpreter with the old GIL; add --python 2.7")


def _new_alone(configuration: Configuration, cores: int) -> str | None:
    if has_old_gil(configuration):
        return "baseline: this is the old GIL"
    if not has_new_gil(configuration):
        return "neither the old GIL nor the new GIL"
    return one_processor(configuration, cores)
