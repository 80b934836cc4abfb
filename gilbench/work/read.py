"""Reads files that gilbench saved, such as studies and profiles, and files of pyperf."""

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
from gilbench.store.pyperf_study import KIND as PYPERF
from gilbench.store.pyperf_study import read_json, read_pyperf
from gilbench.store.scores import read_scorecard
from gilbench.store.study import NotAStudyError, read_study

_STUDY = "study"


class _Kind(msgspec.Struct):
    kind: str | None = None
    benchmarks: msgspec.Raw = msgspec.Raw()  # only files of pyperf have them, which have no kind


def read(path: Path) -> Study | Profile | Scorecard | Check:
    """Read a file that gilbench saved, or a file of pyperf as a study.

    Args:
        path: A study (JSON Lines), or a profile, scorecard, check, or file of pyperf (JSON).

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
    if kind == PYPERF:
        return read_pyperf(path)
    try:
        return read_study(path)
    except NotAStudyError as error:
        raise StudyError(
            f"{path} is not a study, profile, scorecard, or check; measure a study: gilbench run -o FILE"
        ) from error


def read_measured(path: Path) -> Study:
    """Read a study, or a file of pyperf as a study.

    Raises:
        StudyError: The file cannot be read, is neither of these, or has impossible values.
    """
    return read_pyperf(path) if kind_of(path) == PYPERF else read_study(path)


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
        return _STUDY
    try:
        found = msgspec.json.decode(read_json(path), type=_Kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _STUDY
    return found.kind or (PYPERF if bytes(found.benchmarks) else _STUDY)
