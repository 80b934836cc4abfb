"""Exports a study to the files of other tools."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gilbench.analyse.study.hosts import of_one_host
from gilbench.analyse.study.pyperf_suites import pyperf_suites
from gilbench.host.capture import capture
from gilbench.host.environment import clean_environment
from gilbench.host.process import ProcessError
from gilbench.host.scratch import scratch
from gilbench.interpreters import is_known
from gilbench.model.errors import UsageError
from gilbench.model.pyperf import Metadata, PyperfSuite
from gilbench.model.study import Interpreter, Study
from gilbench.store.pyperf_json import write_suite
from gilbench.store.study import read_study

_SECONDS = 30.0  # timeout of an interpreter that is asked for its metadata


def export_pyperf(path: Path, output: Path | None = None) -> tuple[Path, ...]:
    """Write a study as files of pyperf: one for each interpreter and mode, which ``pyperf compare_to`` compares.

    If an interpreter of this machine has pyperf, its metadata come from pyperf's own collectors.

    Args:
        path: The study.
        output: The file. If there are several, the name of the interpreter is added to it. None: next to the study.

    Returns:
        The written files. Existing ones are replaced.

    Raises:
        StudyError: The study cannot be read, or a file cannot be written.
        UsageError: No case has a time per operation, or several hosts measured the study.
    """
    study = of_one_host(read_study(path))
    if study.hosts:
        raise UsageError(
            f"{path} is of {len(study.hosts)} hosts, but a file of pyperf is of one\n"
            f"Write the values of each host: gilbench report {path} --format csv"
        )
    suites = pyperf_suites(study)
    if not suites:
        raise UsageError(
            f"{path} has no times per operation to export; latencies have no place in pyperf's files"
        )
    base = output or path.with_name(f"{path.stem}.pyperf.json")
    files = _files(base, [suite.configuration for suite in suites])
    collected = _collected(study, suites)
    for file, suite in zip(files, suites, strict=True):
        metadata = {**suite.metadata, **collected.get(suite.interpreter, {})}
        write_suite(file, msgspec.structs.replace(suite, metadata=metadata))
    return tuple(files)


def _files(base: Path, configurations: Sequence[str]) -> list[Path]:
    """Name the files: ``times.json``, or ``times-3.13.json`` and ``times-3.13t-GIL-on.json``."""
    if len(configurations) == 1:
        return [base]
    name, dot, endings = base.name.partition(".")
    words = [re.sub(r"[^\w.+#]+", "-", one).strip("-") for one in configurations]
    return [base.with_name(f"{name}-{word}{dot}{endings}") for word in words]


def _collected(study: Study, suites: Sequence[PyperfSuite]) -> dict[str, Metadata]:
    """Ask the interpreters for their metadata. An interpreter that only the study names is not started."""
    wanted = {suite.interpreter for suite in suites}
    return {
        one.name: _ask(one)
        for one in study.header.interpreters
        if one.name in wanted
        and not (one.options or one.environment)
        and (one.executable == sys.executable or is_known(one.executable))
    }


class _CollectedFile(msgspec.Struct):
    """The fields of pyperf's metadata file that are read."""

    metadata: Metadata = {}


def _ask(interpreter: Interpreter) -> Metadata:
    """Return what the collectors of the interpreter's own pyperf say of it; nothing if it has none.

    What they say of the host is of this moment, not of the study.
    """
    with scratch() as folder:
        file = folder / "metadata.json"
        command = [*interpreter.command, "-m", "pyperf", "collect_metadata", "--output", str(file)]
        try:
            done = capture(command, seconds=_SECONDS, env=clean_environment(), cwd=folder)
            if done.status:
                return {}
            found = msgspec.json.decode(file.read_bytes(), type=_CollectedFile).metadata
        except (ProcessError, OSError, msgspec.DecodeError):
            return {}
    if not str(found.get("python_version", "")).startswith(interpreter.build.version):
        return {}  # it has changed since the study, or names its version in another way
    return {name: value for name, value in found.items() if name.startswith("python_")}
