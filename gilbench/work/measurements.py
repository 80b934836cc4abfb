"""Saves what the tests of a session measured, and compares it with an earlier session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gilbench.analyse.study.merge import merged
from gilbench.model.errors import UsageError
from gilbench.model.measurements import Measurements, Reported
from gilbench.model.study import Study
from gilbench.store.study import StudyWriter
from gilbench.version import __version__
from gilbench.work.check import check_speedups
from gilbench.work.compare import Limits


def settle(
    reports: Sequence[Reported], *, save: Path | None, baseline: Path | None, limits: Limits | None = None
) -> Measurements:
    """Compare the studies of a session with those of an earlier one, and save them.

    If both are one file, a regression leaves it as it is, so that the next session finds it, too.

    Args:
        reports: What the tests measured.
        save: File to write; None: save nothing.
        baseline: Study of the earlier session; None: compare nothing.
        limits: What counts as a change.

    Raises:
        StudyError: A file cannot be read or written.
        UsageError: The two sessions share no case.
    """
    found = Measurements(
        gilbench=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        rows=tuple(report.measurement for report in reports),
    )
    studies = [report.study for report in reports if report.study is not None]
    if not studies:
        nothing = "no test measured a speedup, so nothing was saved or compared"
        return msgspec.structs.replace(found, note=nothing if save or baseline else None)
    if baseline is not None and not baseline.exists():
        if baseline != save:
            raise UsageError(
                f"cannot read {baseline}: no such file; save one with --gilbench-save {baseline}"
            )
        found, baseline = (
            msgspec.structs.replace(found, note=f"{baseline} is new: nothing to compare with"),
            None,
        )
    study = merged(studies)
    if baseline is not None:
        check = check_speedups(study, baseline, limits or Limits())
        found = msgspec.structs.replace(found, check=check)
        if check.gate.verdict == "regressed" and save == baseline:
            return msgspec.structs.replace(found, note=f"{save} keeps the earlier session")
    if save is not None:
        _replace(save, study)
        found = msgspec.structs.replace(found, saved=str(save))
    return found


def _replace(path: Path, study: Study) -> None:
    """Write a study in one step, so that an interrupted session leaves the earlier file."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with StudyWriter(part, study.header) as writer:
        for run in study.runs:
            writer.add(run)
    part.replace(path)
