"""Reads files that gilbench saved, such as studies and profiles, and results of other benchmarks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from gilbench.analyse.study.report import build_report
from gilbench.model.errors import StudyError
from gilbench.model.printed import PrintedResults
from gilbench.model.profile import Profile
from gilbench.model.releases import Releases
from gilbench.model.results import Check, Report
from gilbench.model.scores import Scorecard
from gilbench.model.study import Study
from gilbench.model.watch import WatchLog
from gilbench.store.check import read_check
from gilbench.store.printed import printed_by, read_printed
from gilbench.store.profile import read_profile
from gilbench.store.pyperf_study import KIND as PYPERF
from gilbench.store.pyperf_study import read_packed, read_pyperf
from gilbench.store.releases import read_releases
from gilbench.store.scores import read_scorecard
from gilbench.store.study import NotAStudyError, read_study
from gilbench.store.watch_file import KIND as WATCH
from gilbench.store.watch_file import is_watch, read_watch

PRINTED = "printed results"
_STUDY = "study"
_Artefact = Study | Profile | Scorecard | Check | Releases | PrintedResults | WatchLog
_READERS: dict[str, Callable[[Path], _Artefact]] = {
    "profile": read_profile,
    "scorecard": read_scorecard,
    "check": read_check,
    "releases": read_releases,
    PYPERF: read_pyperf,
    PRINTED: read_printed,
    WATCH: read_watch,
}


class _Kind(msgspec.Struct):
    kind: str | None = None
    benchmarks: msgspec.Raw = msgspec.Raw()  # only files of pyperf have them, which have no kind


def read(path: Path) -> _Artefact:
    """Read a file that gilbench saved, or results of another benchmark.

    Args:
        path: A study (JSON Lines); a profile, scorecard, check, or answer of ``releases`` (JSON); a file of pyperf,
            which is read as a study; what ftscalingbench or ccbench printed; or the file of a watch (JSON Lines).

    Raises:
        StudyError: The file cannot be read, is none of these, or has impossible values.
    """
    reader = _READERS.get(kind_of(path))
    if reader is not None:
        return reader(path)
    try:
        return read_study(path)
    except NotAStudyError as error:
        raise StudyError(
            f"{path} is not a study, profile, scorecard, or check; measure a study: gilbench run -o FILE"
        ) from error


def read_measured(path: Path) -> Study | PrintedResults:
    """Read a study, a file of pyperf as a study, or what another benchmark printed.

    Raises:
        StudyError: The file cannot be read, is none of these, or has impossible values.
    """
    kind = kind_of(path)
    if kind == PRINTED:
        return read_printed(path)
    return read_pyperf(path) if kind == PYPERF else read_study(path)


def report(study: Study) -> Report:
    """Compute the results of a study: cells, findings, caveats, and failures."""
    return build_report(study)


def read_result(path: Path) -> Report | Profile | Scorecard | Check | Releases | PrintedResults | WatchLog:
    """Read a file that gilbench saved, or results of another benchmark; for a study, compute its report.

    Raises:
        StudyError: As for ``read``.
    """
    artefact = read(path)
    return report(artefact) if isinstance(artefact, Study) else artefact


def kind_of(path: Path) -> str:
    """Return the kind of a file. A file that is neither one JSON document nor known text is read as a study.

    Raises:
        StudyError: The file cannot be read.
    """
    if is_watch(path):
        return WATCH
    if path.suffix == ".jsonl":
        return _STUDY
    content = read_packed(path)
    try:
        found = msgspec.json.decode(content, type=_Kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return PRINTED if printed_by(content) else _STUDY
    return found.kind or (PYPERF if bytes(found.benchmarks) else _STUDY)
