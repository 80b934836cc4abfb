"""Claim 9: the GIL that CPython has since 3.2, held against the one before it."""

from __future__ import annotations

from collections.abc import Callable

from gilbench.analyse.claims.claim import Claim, Experiment, Limit
from gilbench.analyse.claims.evidence import Evidence, Figure, Missing, Spot, has_new_gil, has_old_gil
from gilbench.analyse.claims.processors import one_processor
from gilbench.run.properties import Column

GAINED = 1.4
"""Speed-up on twice as many threads as there are processors, beside that of the old GIL, which is a half there."""
LESS = 0.3
"""Of a figure of the old GIL: what got worse was seen to be a tenth of it and less, or ten times as late."""


Compared = Callable[[Evidence, Column, Column], Figure]  # the new one, then the old one


def generations(cores: int) -> Claim:
    """Claim 9: what got better since 2.7, and what got worse. It holds if both do.

    All that it stands on is measured for other claims already.
    """

    def experiment(
        key: str, part: str, measured: str, spots: tuple[Spot, ...], read: Compared, limit: Limit
    ) -> Experiment:
        return Experiment(
            key=key,
            part=part,
            measured=f"{measured}, divided by that of the old GIL",
            spots=spots,
            read=lambda evidence, column: read(evidence, column, _old(evidence)),
            limit=limit,
            lacks=_new_alone,
            against=_old,
        )

    threads = Spot("countdown", 2 * cores), Spot("countdown", 1)
    echo = Spot("tcp_echo_cpu", 1), Spot("tcp_echo_cpu", 0)
    join = Spot("ctrl_c", 1, (("main", "join"),))
    delivery = Spot("delivery", 2 * cores)
    return Claim(
        number=9,
        title="The new GIL of 3.2 is better for threads that compute, and worse for those that wait for events",
        experiments=(
            experiment(
                "threads",
                "better: threads that compute",
                f"speed-up of countdown on {2 * cores} threads",
                threads,
                lambda evidence, new, old: evidence.speedup_against(new, old, threads[0]),
                Limit(GAINED, "above"),
            ),
            experiment(
                "join",
                "better: ^C in a join is seen",
                "median time until ^C is seen in Thread.join, in ctrl_c",
                (join,),
                lambda evidence, new, old: evidence.wait_against(new, old, join, 0.5),
                Limit(LESS, "below"),
            ),
            experiment(
                "echo",
                "worse: an echo beside a busy thread",
                "throughput that tcp_echo_cpu keeps beside one busy thread",
                echo,
                lambda evidence, new, old: evidence.against(new, old, echo, "retained"),
                Limit(LESS, "below"),
            ),
            experiment(
                "signals",
                "worse: a signal beside busy threads",
                f"median time until a signal is handled beside {2 * cores} busy threads, in delivery",
                (delivery,),
                lambda evidence, new, old: evidence.wait_against(new, old, delivery, 0.5),
                Limit(1 / LESS, "above"),
            ),
        ),
    )


def _old(evidence: Evidence) -> Column:
    for column in evidence.columns:
        if has_old_gil(column):
            return column
    raise Missing("not here", "it needs an interpreter with the old GIL; add --python 2.7")


def _new_alone(column: Column, cpus: int) -> str | None:
    if has_old_gil(column):
        return "this is the old GIL, which the others are held against"
    if not has_new_gil(column):
        return "it has neither of the two"
    return one_processor(column, cpus)
