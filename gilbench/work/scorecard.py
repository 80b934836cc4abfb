"""Measures a scorecard: the study of the claims, and then the experiments on the requirements. Both are saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gilbench.analyse.claims import claim_cases
from gilbench.analyse.claims import scorecard as score
from gilbench.analyse.properties import property_scores
from gilbench.analyse.properties.threads import property_cases
from gilbench.analyse.study.hosts import of_one_host
from gilbench.host.description import describe_host
from gilbench.host.files import refuse_unwritable
from gilbench.interpreters import parse_environment, select
from gilbench.model.errors import UsageError
from gilbench.model.scores import Scorecard
from gilbench.model.study import Effort, Header
from gilbench.plan import catalogue
from gilbench.run.experiments import try_properties
from gilbench.store.names import default_study_path
from gilbench.store.scores import read_scores, scores_path, write_scores
from gilbench.store.study import read_study
from gilbench.work.listener import SILENT, Listener
from gilbench.work.measure import Allotment, run_study
from gilbench.work.planning import describe_study

EFFORT = Effort(
    name="scorecard",
    blocks=4,
    slices=4,
    slice_seconds=0.03,
    latency_seconds=0.3,
    warmup_seconds=1.2,
    few_choices=True,
)
BUDGET = 460.0  # s for the claims; a whole scorecard of seven interpreters takes less than ten minutes
# Every case gets all blocks that there is time for. If decided cases stopped, the intervals would be too narrow: a stop
# after 3 of 8 blocks, if even the 99% interval is clear, lowers the coverage to 91% in simulations.
_EVERY_CASE = Allotment((), lambda study: frozenset(study.header.plan.cases))


class Scored(NamedTuple):
    """A scorecard, and the file of the study that its claims are based on."""

    card: Scorecard | None  # None: interrupted; finished runs are in the file
    path: Path


def scorecard(
    python: tuple[str, ...] = (),
    output: Path | None = None,
    listener: Listener = SILENT,
    *,
    environment: Sequence[str] = (),
    refresh: bool = False,
) -> Scored:
    """Test claims about the GIL, and requirements for a replacement, on each interpreter.

    Args:
        python: SPECs of interpreters; empty: as in ``measure``.
        output: File of the study; None: a new file in ``reports/``.
        listener: Receives notes and progress, and can stop the work.
        environment: Variables to start every interpreter with, as ``NAME=VALUE``.
        refresh: Ask every interpreter again, ignoring the cache.

    Raises:
        GilbenchError: An interpreter is missing, or a file cannot be written.
    """
    path = output or default_study_path()
    if path.parent.is_dir():  # else it is made with the study
        refuse_unwritable(scores_path(path))
    header = plan_claims(python, listener, environment=environment, refresh=refresh)
    study, path, interrupted = run_study(header, path, listener, allotment=_EVERY_CASE)
    if interrupted:
        return Scored(None, path)
    experiments = try_properties(header.interpreters, listener.progress)
    properties = property_scores(experiments, study)
    write_scores(scores_path(path), properties)
    return Scored(score(study, properties), path)


def read_card(path: Path, listener: Listener = SILENT) -> Scorecard:
    """Compute the claims from a saved study, and read the requirements that were saved with it.

    Raises:
        StudyError: A file cannot be read.
        UsageError: Several hosts measured the study.
    """
    study = of_one_host(read_study(path))
    if study.hosts:
        raise UsageError(
            f"{path} is of {len(study.hosts)} hosts, but a scorecard is of one\n"
            f"See its results: gilbench report {path}"
        )
    properties = read_scores(scores_path(path))
    if properties is None:
        listener.note(f"no requirements were saved with {path}")
    return score(study, properties or ())


def plan_claims(
    python: tuple[str, ...],
    listener: Listener = SILENT,
    *,
    environment: Sequence[str] = (),
    refresh: bool = False,
) -> Header:
    """Describe the study that the claims are based on. Arguments and errors are those of ``scorecard``."""
    selection = select(python, environment=parse_environment(environment), refresh=refresh)
    for note in selection.notes:
        listener.note(note)
    interpreters, workloads = selection.interpreters, catalogue.catalogue()
    cores = describe_host().cores
    wanted = [
        case for cases in (property_cases, claim_cases) for case in cases(interpreters, workloads, cores)
    ]
    order = list(workloads)
    cases = sorted(dict.fromkeys(wanted), key=lambda case: order.index(case.workload))
    chosen = [workloads[name] for name in dict.fromkeys(case.workload for case in cases)]
    return describe_study(
        cases,
        effort=EFFORT,
        interpreters=interpreters,
        workloads=chosen,
        reference=interpreters[0].name,
        budget=BUDGET,
    )
