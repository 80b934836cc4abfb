"""The three ways to a comparison that the gate judges: by another study, by the history, by measuring now."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from gilbench import axes
from gilbench.analyse.caveats import caveats, differences
from gilbench.analyse.comparisons import compare_interpreters
from gilbench.analyse.gate import JUDGEABLE, JUDGED, compare_for_gate, failed_cases, not_measured
from gilbench.analyse.report import build_report
from gilbench.cli import output as printing
from gilbench.cli.measuring import measure_study
from gilbench.cli.planning import Asked, plan_study, select_one
from gilbench.errors import UsageError
from gilbench.interpreters.names import name_all
from gilbench.model import Comparison, Header, Study
from gilbench.plan import make_plan
from gilbench.store.names import default_study_path
from gilbench.store.past import read_past
from gilbench.store.study import read_study


class Limits(NamedTuple):
    """What counts as worse.

    Attributes:
        patterns: Of the names of metrics; none of them: those that are judged by default.
        threshold: Practical threshold, a fraction.
        fdr: False discovery rate, a fraction.
    """

    patterns: tuple[str, ...]
    threshold: float
    fdr: float

    def metrics(self, judgeable: Sequence[str], default: Sequence[str]) -> list[str]:
        """The metrics that are asked for."""
        for pattern in self.patterns:
            if not fnmatch.filter(judgeable, pattern):
                raise UsageError(
                    f"--metric {pattern}: there is none that could be judged; there are {', '.join(judgeable)}"
                )
        if not self.patterns:
            return list(default)
        return [name for name in judgeable if any(fnmatch.fnmatch(name, one) for one in self.patterns)]


class Judged(NamedTuple):
    """A study, compared."""

    study: Study
    rows: Sequence[Comparison]
    against: str
    warnings: tuple[str, ...]
    interrupted: bool = False


def judge_by_study(path: Path, baseline: Path, limits: Limits) -> Judged:
    """Judge a study by an earlier one.

    Raises:
        StudyError: One of the two cannot be read.
        UsageError: They have nothing in common, or a metric is unknown.
    """
    metrics = limits.metrics(JUDGEABLE, JUDGED)
    before, now = read_study(baseline), read_study(path)
    rows = compare_for_gate(before, now, metrics=metrics, threshold=limits.threshold, fdr=limits.fdr)
    warnings = [*differences(before, now), *caveats(now)]
    missing = not_measured(before, now)
    if missing:
        names = ", ".join(dict.fromkeys(f"{case.workload} on {case.interpreter}" for case in missing))
        warnings.append(f"{len(missing)} case(s) of the baseline have no figures now: {names}")
    if rows and not any(row.paired for row in rows):
        warnings.append(
            "the two have no reference in common: figures of different hours are compared, which is weak; "
            "measure both now with --python NEW --against OLD"
        )
    if not rows:
        raise UsageError(
            f"{path} and {baseline} have no case in common: other workloads, interpreters or threads"
        )
    return Judged(now, rows, str(baseline), tuple(warnings))


def judge_by_history(path: Path, database: str | None, branch: str | None, limits: Limits) -> Judged:
    """Judge a study by the level that the history stands on; see ``analyse.past`` for what that promises.

    Raises:
        StudyError: The study or the history cannot be read.
        UsageError: Nothing in the history can be held against it, the extra is not installed, or a metric is unknown.
    """
    try:
        from gilbench.analyse.past import METRICS_KEPT, REFERENCE, compare_past  # noqa: PLC0415
        from gilbench.store.history import History, default_database  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UsageError(f"--baseline history needs {error.name}: pip install 'gilbench[history]'") from error
    metrics = limits.metrics(METRICS_KEPT, ("relative",))
    study = read_study(path)
    cells = [cell for cell in build_report(study).cells if cell.metric in metrics and not cell.observers]
    if not cells:
        raise UsageError(
            f"{path} has no {' or '.join(metrics)}: the history follows ratios to a reference; "
            "measure one beside it with gilbench run --python NEW --reference OLD"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with History(database or default_database()) as history:
        past = read_past(history, study.header, cells, digest, branch)
        name = history.name
    if not any(one.values for one in past):
        raise UsageError(
            f"the history {name} has no study that could be held against {path}\n"
            "Add some, of the same CPU and reference: gilbench history add STUDY"
        )
    rows = compare_past(
        [(cell, one.values) for cell, one in zip(cells, past, strict=True)],
        threshold=limits.threshold,
        fdr=limits.fdr,
    )
    left_out = max(one.left_out for one in past)
    strangers = [f"up to {left_out} studies of another CPU or reference are left out"] if left_out else []
    return Judged(study, rows, REFERENCE, (*strangers, *caveats(study)))


def judge_measured(
    python: str, against: str, asked: Asked, output: Path | None, limits: Limits, *, quiet: bool
) -> Judged:
    """Measure both now, interleaved, and judge the one by the other.

    Args:
        python: The candidate, as the user names it.
        against: Its reference.
        asked: What else to run; its interpreters are not looked at.
        output: Where the study goes; by default to a file of its own.
        limits: What counts as worse.
        quiet: No progress and no notes.

    Raises:
        GilbenchError: What was asked for cannot be measured, saved or compared.
    """
    metrics = limits.metrics(JUDGEABLE, JUDGED)
    notes = printing.notes(quiet=quiet)
    header = _plan(python, against, asked, lambda line: notes.print(line, style="dim"))
    path = output or default_study_path()
    study, interrupted = measure_study(header, path, notes, quiet=quiet)
    if interrupted:
        notes.print(f"interrupted; go on with: gilbench run --resume {path}")
    else:
        notes.print(f"saved {path}")
    rows = compare_interpreters(study, metrics=metrics, threshold=limits.threshold, fdr=limits.fdr)
    if not (rows or interrupted or failed_cases(study)):
        raise UsageError(f"no {' or '.join(metrics)} of these workloads could be compared; choose others")
    return Judged(study, rows, header.plan.reference, caveats(study), interrupted)


def _plan(python: str, against: str, asked: Asked, tell: Callable[[str], None]) -> Header:
    """Plan the cases of the one, then put the other beside each: also where they are the same executable."""
    header = plan_study(asked._replace(python=(select_one("--against", against).executable,)), tell)
    sides = name_all([*header.interpreters, select_one("--python", python)])
    workloads = {workload.name: workload for workload in header.workloads}
    cases = [
        msgspec.structs.replace(case, interpreter=side.name)
        for case in header.plan.cases
        for side in sides
        if axes.lacks(workloads[case.workload], side.build) is None
    ]
    plan = make_plan(
        cases,
        profile=header.plan.profile,
        interpreters=sides,
        workloads=header.workloads,
        reference=sides[0].name,
        seed=header.plan.seed,
    )
    return msgspec.structs.replace(header, plan=plan, interpreters=sides)
