"""Claims about the GIL, their experiments, and their verdicts from a study.

The claims are those of the Python wiki's page on the GIL. One module for each group of them; ``all_claims`` is the
list. ``claim_cases`` are the cases to measure, ``claim_scores`` the verdicts.
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
from gilbench.model.scores import Score, Scorecard
from gilbench.model.study import Case, Interpreter, Study, Workload
from gilbench.plan.axes import lacks
from gilbench.plan.experiments import configurations, several_threads


def all_claims(cores: int) -> tuple[Claim, ...]:
    """Return the nine claims on a host with so many cores."""
    several = several_threads(cores)
    cpus = several if several < cores else None  # twice as many threads would get twice as many CPUs
    return (
        processors(several),
        outside(several),
        overhead(),
        twice_the_time(several, cpus),
        order(),
        signals(several, cpus),
        extensions(),
        implementations(several),
        generations(several, cpus),
    )


def claim_cases(
    interpreters: Sequence[Interpreter], workloads: Mapping[str, Workload], cores: int
) -> tuple[Case, ...]:
    """All cases that the claims are based on, grouped by workload.

    Args:
        interpreters: Interpreters; a free-threaded build is measured with its GIL on and off.
        workloads: The catalogue.
        cores: Number of cores that can be used.
    """
    wanted = [
        (spot, configuration)
        for claim in all_claims(cores)
        for experiment in claim.experiments
        for spot in experiment.spots
        for configuration in configurations(interpreters)
        if experiment.lacks(configuration, cores) is None
        and lacks(workloads[spot.workload], configuration.interpreter.build) is None
    ]
    cases = dict.fromkeys(spot.case(configuration) for spot, configuration in wanted)
    order = list(dict.fromkeys(spot.workload for spot, _ in wanted))
    return tuple(sorted(cases, key=lambda case: order.index(case.workload)))


def claim_scores(study: Study) -> tuple[Score, ...]:
    """Every claim on every interpreter of a study, in the order of the claims."""
    evidence = Evidence(study)
    return tuple(
        score
        for claim in all_claims(evidence.cores)
        for configuration in evidence.configurations
        for score in claim.scores(evidence, configuration)
    )


def scorecard(study: Study, properties: Sequence[Score] = ()) -> Scorecard:
    """Make the scorecard of a study, with the properties of its interpreters if they were tried."""
    header = study.header
    return Scorecard(
        gilbench=header.gilbench,
        created=header.created,
        host=header.host,
        interpreters=header.interpreters,
        claims=claim_scores(study),
        properties=tuple(properties),
    )
