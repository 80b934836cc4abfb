"""Makes workloads of the benchmarks in scripts that are written for pyperf.

Each benchmark gets a workload file that names the script. ``target/pyperf_work.py`` runs the script in the worker.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from gilbench.model.errors import RunFailure, UsageError
from gilbench.model.excerpt import excerpt
from gilbench.model.pyperf import PREFIX
from gilbench.model.study import Interpreter, Workload
from gilbench.plan.calls import FAMILY, Source
from gilbench.plan.catalogue import read_declaration
from gilbench.plan.pyperf_scripts import PyperfScript, find_scripts
from gilbench.run.pyperf_scripts import RegisteredBenchmark, list_benchmarks
from gilbench.store.calls import keep_source
from gilbench.work.listener import Listener

_LONGEST = 100  # characters of a name
_TEXT = """{summary!a}

WORKLOAD = {declaration!a}

from pyperf_work import work_on

Work = work_on({script!a}, {arguments!a}, {name!a}, {digest!a})
"""


class _UnusableScript(Exception):
    """A script without a benchmark that can be measured; the reason follows its name."""


def pyperf_workloads(
    given: Sequence[str], patterns: Sequence[str], interpreters: Sequence[Interpreter], listener: Listener
) -> tuple[Workload, ...]:
    """Make the workloads of the values of ``--pyperf``.

    The scripts are run, without measuring, on the first interpreter that can.

    Args:
        given: Scripts with their arguments, manifests, or folders.
        patterns: Names or patterns of benchmarks: in a manifest, of its entries; in a script, of what it registers.
        interpreters: The interpreters of the study.
        listener: Receives a note for each benchmark that is skipped.

    Raises:
        UsageError: A file cannot be read, a script fails, a pattern matches nothing, or nothing is left to measure.
    """
    found: dict[str, Workload] = {}
    names: dict[str, None] = {}  # of all benchmarks, as patterns match them
    for script in (script for text in given for script in find_scripts(text)):
        if script.entry is not None:
            names[script.entry] = None
        if script.entry is not None and not _matches(script.entry, patterns):
            continue
        listener.progress(f"asking for the benchmarks of {script.entry or script.path.name}")
        for benchmark in _registered(script, interpreters, listener):
            if script.entry is None:
                names[benchmark.name] = None
            if script.entry is None and not _matches(benchmark.name, patterns):
                continue
            if benchmark.refused is not None:
                listener.note(f"{benchmark.name} is skipped: it {benchmark.refused}")
                continue
            workload = _workload(script, benchmark.name)
            if workload.name in found:
                raise UsageError(f"two benchmarks are named {benchmark.name}; measure them in two studies")
            found[workload.name] = workload
    _refuse_unmatched(patterns, names)
    if not found:
        raise UsageError(f"--pyperf {', '.join(given)}: no benchmark is left to measure")
    return tuple(found.values())


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _refuse_unmatched(patterns: Sequence[str], names: Iterable[str]) -> None:
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            near = get_close_matches(pattern, list(names)) or sorted(names)
            raise UsageError(
                f"--pyperf-benchmark {excerpt(pattern, 40)}: no such benchmark; use {', '.join(near)}"
            )


def _registered(
    script: PyperfScript, interpreters: Sequence[Interpreter], listener: Listener
) -> list[RegisteredBenchmark]:
    """Return the benchmarks of a script. An entry of a manifest may fail; what the user named may not."""
    try:
        return _ask(script, interpreters)
    except _UnusableScript as failed:
        if script.entry is None:
            raise UsageError(f"{script.path} {failed}") from failed
        listener.note(f"{script.entry} is skipped: it {failed}")
        return []


def _ask(script: PyperfScript, interpreters: Sequence[Interpreter]) -> list[RegisteredBenchmark]:
    """Ask the interpreters one after another until the script works on one."""
    reason = f"needs {', '.join(script.requires)}"
    for interpreter in interpreters:
        if not all(_has(need, interpreter) for need in script.requires):
            continue
        try:
            benchmarks = list_benchmarks(script, interpreter)
        except RunFailure as failure:
            reason = f"fails on {interpreter.name}: {failure.message}{_remedy(failure, interpreter)}"
            continue
        if benchmarks:
            return benchmarks
        reason = "registers no benchmark; call bench_func of pyperf.Runner in it, or a function like that"
        break
    raise _UnusableScript(reason)


def _has(need: str, interpreter: Interpreter) -> bool:
    version = tuple(int(part) for part in need.partition(">=")[2].split("."))
    return interpreter.build.version_info[: len(version)] >= version


def _remedy(failure: RunFailure, interpreter: Interpreter) -> str:
    missing = re.search(r"No module named '?([\w.]+)", failure.message)
    if missing is None:
        return ""
    return f"; install it: {interpreter.executable} -m pip install {missing[1].partition('.')[0]}"


def _workload(script: PyperfScript, benchmark: str) -> Workload:
    plain = re.sub(r"[\x00-\x1f\x7f/]", "_", benchmark)[:_LONGEST]
    declaration: dict[str, object] = {
        "family": FAMILY,
        "driver": "parallel",
        "unit": "loops",
        "parameters": {"namespace": "own"},
    }
    if script.requires:
        declaration["requires"] = list(script.requires)
    text = _TEXT.format(
        summary=f"pyperf benchmark {plain} of {script.path}",
        declaration=declaration,
        script=str(script.path),
        arguments=list(script.arguments),
        name=benchmark,
        digest=hashlib.sha256(script.path.read_bytes()).hexdigest()[:16],
    )
    return read_declaration(keep_source(Source(f"{PREFIX}{plain}", text)), FAMILY)
