"""Checks a candidate for regressions: against another study, against the history, or measured now."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from gilbench.analyse.study.caveats import caveats
from gilbench.analyse.study.comparisons import compare_interpreters, compare_speedups
from gilbench.analyse.study.differences import differences
from gilbench.analyse.study.gate import (
    JUDGEABLE,
    JUDGED,
    decide,
    exit_code,
    failed_cases,
    no_baseline,
    not_measured,
)
from gilbench.analyse.study.hosts import header_of_hosts
from gilbench.analyse.study.layout import layout_included, small_changes
from gilbench.analyse.study.report import build_report
from gilbench.interpreters.rebuilt import is_rebuilt
from gilbench.model.errors import EXIT_INTERRUPTED, UsageError
from gilbench.model.fleet import Fleet
from gilbench.model.results import ByHost, Caveat, Check, Gate, Known
from gilbench.model.study import Header, Study
from gilbench.store.known_bad import read_known_bad
from gilbench.store.names import default_study_path
from gilbench.store.past import Past, read_past
from gilbench.store.study import read_study
from gilbench.work.calls import tried
from gilbench.work.commands import tried_commands
from gilbench.work.compare import Limits, between, by_host, nothing_in_common
from gilbench.work.explain import MOST, explain_regressions, explained_cases
from gilbench.work.listener import SILENT, Listener
from gilbench.work.measure import Measured, run_study
from gilbench.work.planning import MeasureRequest, plan_study, select_sides


class Checked(NamedTuple):
    """A check, and the study that was measured for it."""

    check: Check
    path: Path | None = None  # of the study; None: nothing was measured
    interrupted: bool = False


def check_study(path: Path, baseline: Path, limits: Limits, known: Sequence[Known] = ()) -> Checked:
    """Check a study against an earlier one.

    Args:
        path: Study of the candidate.
        baseline: Study of the baseline.
        limits: What counts as a change.
        known: Known regressions.

    Raises:
        StudyError: A study cannot be read.
        UsageError: The studies share no case, or a metric is unknown.
    """
    metrics = limits.metrics(JUDGEABLE, JUDGED)
    before, now = read_study(baseline), read_study(path)
    rows, changes = between(before, now, limits, metrics)
    if not rows:
        raise nothing_in_common(path, baseline)
    found = [*changes, *caveats(now), *_missing(before, now)]
    return Checked(_check(now, decide(rows, known, failed_cases(now)), str(baseline), found, limits))


def check_speedups(now: Study, baseline: Path, limits: Limits) -> Check:
    """Check the speedups of a study against those of an earlier one; with ``allow_unpaired``, also its throughputs.

    Args:
        now: The study of the candidate.
        baseline: Study of the baseline.
        limits: What counts as a change; its metrics are ignored.

    Raises:
        StudyError: The baseline cannot be read.
        UsageError: The studies share no case.
    """
    before = read_study(baseline)
    rows = compare_speedups(before, now, threshold=limits.threshold, fdr=limits.fdr)
    throughputs, changes = between(before, now, limits, ["throughput"])
    if not throughputs:
        raise UsageError(f"{baseline} has no case of this session (test, interpreter, and threads)")
    if not limits.allow_unpaired:
        throughputs, changes = (), differences(before, now)
    found = [*changes, *caveats(now), *_missing(before, now)]
    return _check(now, decide((*rows, *throughputs), (), failed_cases(now)), str(baseline), found, limits)


def check_history(
    path: Path, database: str | None, branch: str | None, limits: Limits, known: Sequence[Known] = ()
) -> Checked:
    """Check a study against the current level of the history; see ``analyse.study.past`` for the error rates.

    Args:
        path: Study of the candidate.
        database: File or URL of the history; None: the user's own.
        branch: Only studies of this branch; None: all.
        limits: What counts as a change.
        known: Known regressions.

    Returns:
        The check; its verdict is *no baseline* if there is no history, or no comparable study in it.

    Raises:
        StudyError: The study or the history cannot be read.
        UsageError: The study has no comparable result, the extra is not installed, or a metric is unknown.
    """
    try:
        from gilbench.analyse.study.past import METRICS_KEPT, REFERENCE, compare_past  # noqa: PLC0415 - an extra
        from gilbench.store.history import History, default_database  # noqa: PLC0415 - an extra
        from gilbench.store.history_database import AbsentHistoryError  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise UsageError(f"--baseline history needs {error.name}: pip install 'gilbench[history]'") from error
    metrics = limits.metrics(METRICS_KEPT, ("relative",))
    study = read_study(path)
    cells = [cell for cell in build_report(study).cells if cell.metric in metrics and not cell.case.observers]
    if not cells:
        raise UsageError(
            f"{path} has no {' or '.join(metrics)}, which the history tracks\n"
            "Measure a study with a reference: gilbench run --python NEW --reference OLD"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        with History(database or default_database()) as history:
            name, past = history.name, read_past(history, header_of_hosts(study), cells, digest, branch)
    except AbsentHistoryError as error:
        name, past = error.name, []
    if any(one.values for one in past):
        figures = [(cell, one.values) for cell, one in zip(cells, past, strict=True)]
        rows = compare_past(figures, threshold=limits.threshold, fdr=limits.fdr)
        gate = decide(rows, known, failed_cases(study))
    else:
        gate = no_baseline(failed_cases(study))
    found = (*_lacks(gate, name, past, branch), *caveats(study))
    return Checked(_check(study, gate, REFERENCE, found, limits))


def check_measured(
    python: str,
    against: str,
    request: MeasureRequest,
    limits: Limits,
    known: Sequence[Known] = (),
    *,
    output: Path | None = None,
    explain: bool = False,
    fleet: Fleet | None = None,
    listener: Listener = SILENT,
) -> Checked:
    """Measure two interpreters now, interleaved, and check the candidate against the baseline.

    If they are different binaries of the same kind, the check is of their sources: the intervals include the effect of
    code layout. Otherwise, it is of the binaries.

    Args:
        python: SPEC of the candidate.
        against: SPEC of the baseline.
        request: What to measure; its interpreters are ignored.
        limits: What counts as a change.
        known: Known regressions.
        output: File of the study; None: a new file in ``reports/``.
        explain: Observe the cases that regressed once more, and explain why they did.
        fleet: Measure on the hosts of this fleet; None: on this machine.
        listener: Receives notes and progress, and can stop the work.

    Raises:
        GilbenchError: The request cannot be measured, saved, or compared.
    """
    _refuse_unexplained(request, fleet, explain=explain)
    metrics = limits.metrics(JUDGEABLE, JUDGED)
    study, path, interrupted = _measured(python, against, request, output, fleet, listener)
    rebuilt = is_rebuilt(*study.header.interpreters)
    layout = limits.layout if rebuilt else 0.0
    rows = compare_interpreters(
        study, metrics=metrics, threshold=limits.threshold, fdr=limits.fdr, layout=layout
    )
    if not (rows or interrupted or failed_cases(study)):
        raise UsageError(f"these workloads have no {' or '.join(metrics)} to compare; choose other workloads")
    included = [layout_included(layout)] if layout else []
    found = [*included, *(() if rebuilt else small_changes(study, rows)), *caveats(study)]
    gate, hosts = decide(rows, known, failed_cases(study)), by_host(study, rows, limits, metrics, layout)
    check = _check(study, gate, study.header.plan.reference, found, limits, hosts)
    if interrupted:
        check = msgspec.structs.replace(check, exit_code=EXIT_INTERRUPTED)
    elif explain:
        check = _explained(check, study.header, limits, listener)
    return Checked(check, path, interrupted)


def _measured(
    python: str,
    against: str,
    request: MeasureRequest,
    output: Path | None,
    fleet: Fleet | None,
    listener: Listener,
) -> Measured:
    """Measure both sides on this machine, or on a fleet."""
    if fleet is not None:
        from gilbench.work.fleet.study import measure_on_fleet  # noqa: PLC0415 - an extra

        return measure_on_fleet(request, fleet, output, listener, sides=(against, python))
    header = plan_study(request, listener, select_sides(against, python, request))
    header = tried_commands(tried(header, listener), request.command, listener)
    return run_study(header, output or default_study_path(), listener)


def read_known(path: Path | None) -> tuple[Known, ...]:
    """Read the list of known regressions; empty for None.

    Raises:
        UsageError: The file cannot be read, or is invalid.
    """
    return () if path is None else read_known_bad(path)


def _missing(before: Study, now: Study) -> Iterator[Caveat]:
    """Name the cases of the baseline that were not measured again."""
    missing = not_measured(before, now)
    if missing:
        names = ", ".join(dict.fromkeys(f"{case.workload} on {case.interpreter}" for case in missing))
        cases = "1 case" if len(missing) == 1 else f"{len(missing)} cases"
        yield Caveat(kind="missing", text=f"{cases} of the baseline were not measured: {names}")


def _lacks(gate: Gate, name: str, past: Sequence[Past], branch: str | None) -> Iterator[Caveat]:
    """Explain why the history has no baseline, or which studies are no part of it."""
    if gate.verdict == "no baseline":
        of = f" of branch {branch}" if branch else ""
        text = f"the history {name} has no study{of} with the same workloads, CPU, and reference"
        options = f"{f' --branch {shlex.quote(branch)}' if branch else ''} --database {shlex.quote(name)}"
        yield Caveat(
            kind="no_baseline",
            text=text if past else f"the history {name} does not exist yet",
            next=f"Measure the baseline like this study, and add it: gilbench history add STUDY{options}",
        )
    left_out = max((one.left_out for one in past), default=0)
    if left_out:
        studies = "1 study is" if left_out == 1 else f"up to {left_out} studies are"
        text = f"{studies} left out: this study itself, and those with another CPU or reference"
        yield Caveat(kind="left_out", text=text)


def _refuse_unexplained(request: MeasureRequest, fleet: Fleet | None, *, explain: bool) -> None:
    if explain and fleet is not None:
        raise UsageError("--explain observes on this machine; remove it, or --fleet")
    if explain and request.command is not None:
        raise UsageError("--explain does not observe a command; compare two profiles of it: gilbench profile")


def _explained(check: Check, header: Header, limits: Limits, listener: Listener) -> Check:
    """Add the explanations of the cases that regressed."""
    cases = explained_cases(check.gate.regressed)
    if not cases:
        return check
    found = explain_regressions(
        header, cases[:MOST], listener, threshold=limits.threshold, fdr=limits.fdr, counts=True
    )
    left = len(cases) - MOST
    more = Caveat(
        kind="not_explained",
        text=f"{left} of {len(cases)} regressed cases are not explained, those that regressed least",
        next="Check fewer workloads",
    )
    return msgspec.structs.replace(
        check, explanations=found, caveats=(*check.caveats, *([more] if left > 0 else []))
    )


def _check(
    study: Study,
    gate: Gate,
    against: str,
    found: Sequence[Caveat],
    limits: Limits,
    hosts: ByHost | None = None,
) -> Check:
    return Check(
        gate=gate,
        created=study.header.created,
        against=against,
        caveats=tuple(found),
        threshold=limits.threshold,
        fdr=limits.fdr,
        interpreters=study.header.interpreters,
        exit_code=exit_code(gate, strict=limits.strict),
        hosts=hosts,
    )
