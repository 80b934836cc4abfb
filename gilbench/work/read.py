"""Reads files that gilbench saved: studies, profiles, scorecards, and checks."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gilbench.analyse.study.report import build_report
from gilbench.model.errors import StudyError
from gilbench.model.profile import Profile
from gilbench.model.results import Check, Report
from gilbench.model.scores import Scorecard
from gilbench.model.study import Study
from gilbench.store.check import read_check
from gilbench.store.profile import read_profile
from gilbench.store.scores import read_scorecard
from gilbench.store.study import NotAStudyError, read_study


class _Kind(msgspec.Struct):
    kind: str | None = None


def read(path: Path) -> Study | Profile | Scorecard | Check:
    """Read a file that gilbench saved.

    Args:
        path: A study (JSON Lines), or a profile, scorecard, or check (JSON).

    Raises:
        StudyError: The file cannot be read, is none of these, or has impossible values.
    """
    kind = kind_of(path)
    if kind == "profile":
        return read_profile(path)
    if kind == "scorecard":
        return read_scorecard(path)
    if kind == "check":
        return read_check(path)
    try:
        return read_study(path)
    except NotAStudyError as error:
        raise StudyError(
            f"{path} is not a study, profile, scorecard, or check; measure a study: gilbench run -o FILE"
        ) from error


def report(study: Study) -> Report:
    """Compute the results of a study: cells, findings, caveats, and failures."""
    return build_report(study)


def read_result(path: Path) -> Report | Profile | Scorecard | Check:
    """Read a file that gilbench saved; for a study, compute its report.

    Raises:
        StudyError: As for ``read``.
    """
    artefact = read(path)
    return report(artefact) if isinstance(artefact, Study) else artefact


def kind_of(path: Path) -> str:
    """Return the kind of a file. A file that is not one JSON document is read as a study.

    Raises:
        StudyError: The file cannot be read.
    """
    if path.suffix == ".jsonl":
        return "study"
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kind).kind or "study"
    except OSError as error:
        raise StudyError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "study"
