"""A scorecard measured for real: the study of the claims, then the properties, both saved."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from gilbench import workloads as catalogue
from gilbench.analyse.claims import claim_cases, claim_scores, undecided_cases
from gilbench.analyse.properties import property_scores
from gilbench.analyse.properties.threads import property_cases, undecided_property_cases
from gilbench.cli.files import refuse_unwritable
from gilbench.cli.measuring import Effort, measure_study
from gilbench.cli.planning import describe_study
from gilbench.interpreters import select
from gilbench.model import Case, Header, Profile, Study
from gilbench.render.figures import plain
from gilbench.run.properties import try_properties
from gilbench.scores import Scorecard
from gilbench.store.names import default_study_path
from gilbench.store.scores import read_scores, scores_path, write_scores
from gilbench.store.study import read_study

PROFILE = Profile(
    name="scorecard",
    blocks=8,  # at most; after the first, only of what is undecided
    slices=6,
    slice_seconds=0.05,
    latency_seconds=0.3,
    warmup_seconds=2.5,
    few_choices=True,
)
FIRST_BLOCKS = 1
BUDGET = 460.0  # s for the claims; the whole scorecard of seven interpreters is to take less than ten minutes


def plan_claims(specs: Sequence[str], tell: Callable[[str], None]) -> Header:
    """Describe the study that the claims stand on.

    Args:
        specs: What to measure; nothing: as ``gilbench run``.
        tell: Called with each line that the user should know.

    Raises:
        InterpreterError: An interpreter that is not there.
    """
    selection = select(specs)
    for note in selection.notes:
        tell(note)
    interpreters, workloads = selection.interpreters, catalogue.catalogue()
    cpus = sorted(os.sched_getaffinity(0))
    tried = (property_cases, claim_cases)
    wanted = [case for cases in tried for case in cases(interpreters, workloads, len(cpus))]
    order = list(workloads)
    cases = sorted(dict.fromkeys(wanted), key=lambda case: order.index(case.workload))
    chosen = [workloads[name] for name in dict.fromkeys(case.workload for case in cases)]
    return describe_study(
        cases,
        profile=PROFILE,
        interpreters=interpreters,
        workloads=chosen,
        reference=interpreters[0].name,
        budget=BUDGET,
    )


def measure_card(
    specs: Sequence[str], output: Path | None, notes: Console, *, quiet: bool
) -> tuple[Scorecard | None, Path]:
    """Measure a scorecard; None where that was interrupted, and what was finished is in the file.

    Raises:
        GilbenchError: An interpreter that is not there, or a file that cannot be written.
    """

    def tell(line: str) -> None:
        notes.print(line, style="dim")

    header = plan_claims(specs, tell)
    path = output or default_study_path()
    if path.parent.is_dir():  # else it is made with the study
        refuse_unwritable(scores_path(path))
    effort = Effort(FIRST_BLOCKS, _undecided)
    study, interrupted = measure_study(header, path, notes, quiet=quiet, effort=effort)
    if interrupted:
        return None, path
    with notes.status("") as status:
        trials = try_properties(header.interpreters, lambda text: status.update(plain(text)))
    properties = property_scores(trials, study)
    write_scores(scores_path(path), properties)
    return Scorecard(header=study.header, claims=claim_scores(study), properties=properties), path


def _undecided(study: Study) -> frozenset[Case]:
    """What another block should go to."""
    return undecided_cases(study) | undecided_property_cases(study)


def read_card(path: Path, notes: Console) -> Scorecard:
    """Read the claims from a saved study, and the properties that were saved beside it.

    Raises:
        StudyError: A file that cannot be read.
    """
    study = read_study(path)
    properties = read_scores(scores_path(path))
    if properties is None:
        notes.print(f"no properties were saved beside {path}", style="dim")
    return Scorecard(header=study.header, claims=claim_scores(study), properties=properties or ())
