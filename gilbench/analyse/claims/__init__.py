"""What is said about the GIL, each claim with its experiments, and what a study says of it.

The claims are those of the Python wiki's page on the GIL. One module for each group of them; ``all_claims`` is the
list. ``claim_cases`` is what has to be measured, ``claim_scores`` what it shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gilbench.analyse.claims.claim import Claim
from gilbench.analyse.claims.evidence import Evidence
from gilbench.analyse.claims.extensions import extensions
from gilbench.analyse.claims.generations import generations
from gilbench.analyse.claims.implementations import implementations
from gilbench.analyse.claims.order import order
from gilbench.analyse.claims.outside import outside
from gilbench.analyse.claims.overhead import overhead
from gilbench.analyse.claims.processors import processors, twice_the_time
from gilbench.analyse.claims.signals import signals
from gilbench.axes import lacks
from gilbench.model import Case, Interpreter, Study, Workload
from gilbench.run.properties import columns_of
from gilbench.scores import Score


def all_claims(cores: int) -> tuple[Claim, ...]:
    """The nine claims, tried with as many threads as there are processors, and two at least."""
    several = max(2, cores)
    return (
        processors(several),
        outside(several),
        overhead(),
        twice_the_time(several),
        order(),
        signals(several),
        extensions(),
        implementations(several),
        generations(several),
    )


def claim_cases(
    interpreters: Sequence[Interpreter], workloads: Mapping[str, Workload], cpus: int
) -> tuple[Case, ...]:
    """All cases that the claims stand on, those of one workload next to each other.

    Args:
        interpreters: What to try them on; a free-threaded build is tried with its GIL on and off.
        workloads: The catalogue.
        cpus: How many processors there are to run on.
    """
    wanted = [
        (spot, column)
        for claim in all_claims(cpus)
        for experiment in claim.experiments
        for spot in experiment.spots
        for column in columns_of(interpreters)
        if experiment.lacks(column, cpus) is None
        and lacks(workloads[spot.workload], column.interpreter.build) is None
    ]
    cases = dict.fromkeys(spot.case(column) for spot, column in wanted)
    order = list(dict.fromkeys(spot.workload for spot, _ in wanted))
    return tuple(sorted(cases, key=lambda case: order.index(case.workload)))


def claim_scores(study: Study) -> tuple[Score, ...]:
    """Every claim on every interpreter of a study, in the order of the claims."""
    evidence = Evidence(study)
    return tuple(
        score
        for claim in all_claims(evidence.cpus)
        for column in evidence.columns
        for score in claim.scores(evidence, column)
    )


def undecided_cases(study: Study) -> frozenset[Case]:
    """The cases of which another block could decide a claim, and those that have not been measured yet."""
    evidence, plan = Evidence(study), study.header.plan
    tried = {plan.cases[run.case] for run in study.runs}
    open_ = {
        case
        for claim in all_claims(evidence.cpus)
        for column in evidence.columns
        for case in claim.undecided(evidence, column)
    }
    return frozenset(case for case in plan.cases if case in open_ or case not in tried)
