"""Reads the files of pyperf as studies: JSON, also compressed by gzip.

A run of pyperf is a process, whose values are not independent of each other. It becomes a block with one slice per
value. pyperf measures one benchmark after another, and no other interpreter in between: nothing is paired.

The format is described at https://pyperf.readthedocs.io/en/latest/api.html#pyperf-json. Metadata that all runs share
stand once, for the benchmark or the file.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from gilbench.interpreters.names import short_name
from gilbench.model.errors import StudyError
from gilbench.model.excerpt import excerpt
from gilbench.model.pyperf import PREFIX
from gilbench.model.study import (
    Build,
    Case,
    Effort,
    Environment,
    Header,
    Host,
    Interpreter,
    Plan,
    Run,
    Slice,
    Study,
    Workload,
)

KIND = "pyperf"
_LARGEST = 1 << 28  # bytes of an uncompressed file
_GZIP = b"\x1f\x8b"
_MOST_LOOPS = 2**53
_MOST_CPUS = 2**15
_COUNTS = {
    "loops": _MOST_LOOPS,
    "inner_loops": _MOST_LOOPS,
    "cpu_count": _MOST_CPUS,
}  # metadata, with the maximum
_MOST_RUNS = 10_000  # blocks and slices that a study can have
_Seconds = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
_Metadata = dict[str, Any]


class _JsonRun(msgspec.Struct, frozen=True):
    """One process. Calibrations have no values."""

    metadata: _Metadata = {}
    values: tuple[_Seconds, ...] = ()


class _JsonBenchmark(msgspec.Struct, frozen=True):
    """The runs of one benchmark."""

    runs: tuple[_JsonRun, ...]
    metadata: _Metadata = {}


class _JsonSuite(msgspec.Struct, frozen=True):
    """A file."""

    version: str
    benchmarks: tuple[_JsonBenchmark, ...]
    metadata: _Metadata = {}


class _TimedBenchmark(NamedTuple):
    """A benchmark with values."""

    name: str
    metadata: _Metadata  # of its first run
    runs: tuple[_JsonRun, ...]


def read_packed(path: Path) -> bytes:
    """Read a file, which may be compressed.

    Raises:
        StudyError: It cannot be read, or is too large.
    """
    try:
        with path.open("rb") as file:
            if file.read(2) != _GZIP:
                file.seek(0)
                return file.read()
            file.seek(0)
            with gzip.open(file) as content:
                text = content.read(_LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise StudyError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if len(text) > _LARGEST:
        raise StudyError(
            f"{path} has more than {_LARGEST >> 20} MiB uncompressed; split it with pyperf convert"
        )
    return text


def read_pyperf(path: Path) -> Study:
    """Read a file of pyperf as a study.

    Raises:
        StudyError: The file cannot be read, is no file of pyperf, has impossible values, or has no times.
    """
    try:
        suite = msgspec.json.decode(read_packed(path), type=_JsonSuite)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StudyError(f"{path} is damaged, or not a file of pyperf: {error}; restore the file") from error
    measured, warnings = _sorted_out(path, suite)
    interpreter = _interpreter(measured[0].metadata)
    cases = [
        Case(workload=f"{PREFIX}{one.name}", interpreter=interpreter.name, threads=1) for one in measured
    ]
    return Study(
        header=_header(path, measured, cases, interpreter),
        runs=tuple(run for index, one in enumerate(measured) for run in _runs(index, one)),
        warnings=warnings,
    )


def _sorted_out(path: Path, suite: _JsonSuite) -> tuple[list[_TimedBenchmark], tuple[str, ...]]:
    """Return the benchmarks with times, and warnings."""
    found: list[_TimedBenchmark] = []
    others = []
    for number, benchmark in enumerate(suite.benchmarks):
        runs = tuple(run for run in benchmark.runs if run.values)
        common = {**suite.metadata, **benchmark.metadata}
        about = {**common, **(runs[0].metadata if runs else {})}
        name = about.get("name")
        if not isinstance(name, str) or not name.strip():
            raise StudyError(
                f"{path} is damaged: `$.benchmarks[{number}].metadata.name` is missing; restore the file"
            )
        if max([len(runs), *(len(run.values) for run in runs)], default=0) > _MOST_RUNS:
            raise StudyError(f"{path}: {excerpt(name, 60)} has more than {_MOST_RUNS} runs or values")
        if any(one.name == name for one in found):
            raise StudyError(
                f"{path} is damaged: it has two benchmarks {excerpt(name, 60)!r}; restore the file"
            )
        if about.get("unit", "second") != "second" or not runs:
            others.append(name)
            continue
        merged = tuple(msgspec.structs.replace(run, metadata={**common, **run.metadata}) for run in runs)
        wrong = [
            key
            for run in merged
            for key, most in _COUNTS.items()
            if not _is_count(run.metadata.get(key, 1), most)
        ]
        if wrong:
            raise StudyError(
                f"{path} is damaged: `{wrong[0]}` of {excerpt(name, 60)!r} is not a number of at least 1; "
                "restore the file"
            )
        found.append(_TimedBenchmark(name, about, merged))
    if not found:
        raise StudyError(f"{path} has no benchmark with times; measure one: pyperf timeit -o FILE")
    unpaired = (
        f"{path.name} is a file of pyperf, which does not tell what was measured together: nothing is paired"
    )
    left_out = [f"{', '.join(others)} of {path.name} have no times and were left out"] if others else []
    return found, (unpaired, *left_out)


def _runs(index: int, measured: _TimedBenchmark) -> Iterator[Run]:
    for block, run in enumerate(measured.runs):
        loops = min(_MOST_LOOPS, _loops(run) * _count(run.metadata, "inner_loops", _MOST_LOOPS))
        cpus, ends = _cpus(run.metadata), [0.0]
        for value in run.values:
            ends.append(ends[-1] + value * loops)
        slices = tuple(
            Slice(
                round=number,
                start=ends[number],
                end=ends[number + 1],
                window=value * loops,
                operations=loops,
                checksum="",
                gil_enabled=(True, True),
                cpus=cpus,
            )
            for number, value in enumerate(run.values)
        )
        timer = run.metadata.get("timer")
        clock = timer.partition(",")[0] if isinstance(timer, str) else "unknown"
        environment = Environment(pid=0, clock=clock, loops=loops)
        yield Run(case=index, block=block, attempt=0, environment=environment, slices=slices)


def _header(
    path: Path, measured: Sequence[_TimedBenchmark], cases: Sequence[Case], interpreter: Interpreter
) -> Header:
    runs = [run for one in measured for run in one.runs]
    about = measured[0].metadata
    effort = Effort(
        name=KIND,
        blocks=max(len(one.runs) for one in measured),
        slices=max(len(run.values) for run in runs),
        slice_seconds=_shortest(runs),
        latency_seconds=0.0,
        warmup_seconds=0.0,
    )
    version = _text(about, "gilbench_version") or f"({KIND} {_text(about, 'perf_version') or 'unknown'})"
    return Header(
        gilbench=version,
        created=_created(runs),
        host=_host(about),
        plan=Plan(
            effort=effort,
            cases=tuple(cases),
            seed=0,
            reference=interpreter.name,
            cpus=tuple(range(_count(about, "cpu_count"))),
            seconds=0.0,
        ),
        interpreters=(interpreter,),
        workloads=tuple(_workload(path, case.workload) for case in cases),
    )


def _shortest(runs: Sequence[_JsonRun]) -> float:
    """Return the shortest time in s that pyperf took for one value."""
    return min(value * _loops(run) for run in runs for value in run.values)


def _loops(run: _JsonRun) -> int:
    return _count(run.metadata, "loops", _MOST_LOOPS)


def _workload(path: Path, name: str) -> Workload:
    # The code is unknown, so the name alone tells whether two files have the same benchmark.
    return Workload(
        name=name,
        family="own",
        path=str(path),
        digest=hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        summary=f"benchmark of {path.name}",
        driver="parallel",
        unit="loops",
    )


def _interpreter(about: Mapping[str, Any]) -> Interpreter:
    told = _text(about, "python_version")
    found = re.search(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})", told.partition("Python ")[2] or told)
    numbers = tuple(map(int, found.groups())) if found else (0, 0, 0)
    implementation = _text(about, "python_implementation") or "unknown"
    own = re.match(r"PyPy (\S+)", told)
    named = _text(about, "gilbench_interpreter")
    free_threaded = "--disable-gil" in _text(about, "python_config_args") or bool(
        re.match(r"\d+\.\d+\w*t\b", named)
    )
    build = Build(
        implementation={"cpython": "CPython", "pypy": "PyPy"}.get(implementation, implementation),
        version=found[0] if found else "unknown",
        version_info=(numbers[0], numbers[1], numbers[2]),
        implementation_version=own[1] if own else None,
        free_threaded=free_threaded,
        compiler=_text(about, "python_compiler") or None,
    )
    executable = _text(about, "python_executable") or "unknown"
    return Interpreter(
        name=named or (short_name(build) if found else implementation),
        executable=executable,
        binary=executable,
        build=build,
        gil_enabled=not free_threaded,
    )


def _host(about: Mapping[str, Any]) -> Host:
    system, _, rest = _text(about, "platform").partition("-")
    machine = re.search(r"-(x86_64|aarch64|arm64|i686|ppc64le|s390x|riscv64|AMD64)\b", rest)
    return Host(
        system=system or "unknown",
        kernel=rest[: machine.start()] if machine else rest or "unknown",
        machine=machine[1] if machine else "unknown",
        cpu_model=_text(about, "cpu_model_name") or "unknown CPU",
        cores=_count(about, "cpu_count"),
        memory=1,  # unknown
    )


def _created(runs: Sequence[_JsonRun]) -> str:
    """Return the date of the first run; pyperf writes local time without a zone."""
    dates = []
    for run in runs:
        try:
            dates.append(datetime.fromisoformat(_text(run.metadata, "date")).replace(tzinfo=UTC))
        except (ValueError, OverflowError):
            continue
    return min(dates, default=datetime.fromtimestamp(0, UTC)).isoformat(timespec="seconds")


def _cpus(about: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the CPUs of a run; if it was not confined to some, all."""
    everywhere = tuple(range(_count(about, "cpu_count")))
    told = re.findall(r"(\d{1,5})(?:-(\d{1,5}))?", _text(about, "cpu_affinity"))
    found = {cpu for first, last in told for cpu in range(int(first), int(last or first) + 1)}
    return tuple(sorted(found.intersection(everywhere))) or everywhere


def _text(about: Mapping[str, Any], name: str) -> str:
    value = about.get(name)
    return value.strip()[:1000] if isinstance(value, str) else ""


def _count(about: Mapping[str, Any], name: str, most: int = _MOST_CPUS) -> int:
    """Return a whole number of at least 1; 1: unknown."""
    value = about.get(name, 1)
    return value if _is_count(value, most) else 1


def _wrong_count(runs: Sequence[_JsonRun]) -> str | None:
    """Return a number in the metadata that is none; None: there is none."""
    given = ((key, run.metadata.get(key, 1), most) for run in runs for key, most in _COUNTS.items())
    return next((key for key, value, most in given if not _is_count(value, most)), None)


def _is_count(value: Any, most: int) -> bool:
    return type(value) is int and 1 <= value <= most
