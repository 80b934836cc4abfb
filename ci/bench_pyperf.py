"""Compares gilbench with pyperf on pyperformance's benchmarks: ``python ci/bench_pyperf.py PYPERFORMANCE [SPEC ...]``.

PYPERFORMANCE is the folder of the package. In each round, both measure each benchmark on one thread of each
interpreter, one after the other. The figure is the ratio of their seconds per loop, over rounds. Fewer rounds:
``ROUNDS=3``.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import pyperf
from bench_row import Row

from gilbench.analyse.stats.estimates import ratio_interval
from gilbench.host.capture import capture
from gilbench.host.environment import clean_environment
from gilbench.interpreters import select
from gilbench.model.errors import GilbenchError
from gilbench.model.study import Interpreter
from gilbench.plan.pyperf_scripts import PyperfScript, find_scripts
from gilbench.work.export import export_pyperf
from gilbench.work.measure import measure
from gilbench.work.planning import MeasureRequest

BENCHMARKS = ("nbody", "json_dumps", "regex_compile", "go", "richards")
SPECS = ("3.13", "3.13t")
ROUNDS = int(os.environ.get("ROUNDS", "8"))
_PROCESSES = ("--processes", "5", "--values", "3", "--warmups", "1")
_SECONDS = 600.0  # timeout of a run of pyperf


def rows(package: str, specs: Sequence[str]) -> Iterator[Row]:
    """Measure, and yield the ratio of each benchmark on each interpreter."""
    scripts = {script.entry: script for script in find_scripts(package)}
    interpreters = select(specs).interpreters
    for name in BENCHMARKS:
        ratios: defaultdict[str, list[float]] = defaultdict(list)
        for number in range(ROUNDS):
            with tempfile.TemporaryDirectory() as folder:
                sides = [_by_gilbench, _by_pyperf]
                if number % 2:
                    sides.reverse()
                seconds = {
                    side: side(Path(folder), name, package, scripts[name], interpreters) for side in sides
                }
            for one, theirs in seconds[_by_pyperf].items():
                ratios[one].append(math.log(seconds[_by_gilbench][one] / theirs))
        for one, logs in ratios.items():
            interval = ratio_interval(logs)
            agrees = interval.lo is not None and interval.hi is not None and interval.lo <= 1 <= interval.hi
            yield Row(
                f"{name} on {one}, gilbench / pyperf", interval.value, interval.lo, interval.hi, "1", agrees
            )


def _by_gilbench(
    folder: Path, name: str, package: str, _script: PyperfScript, interpreters: Sequence[Interpreter]
) -> dict[str, float]:
    """Return the seconds per loop on each interpreter."""
    request = MeasureRequest(
        python=tuple(one.executable for one in interpreters),
        pyperf=(package,),
        pyperf_benchmark=(name,),
        threads="1",
    )
    study = measure(request, folder / "study.jsonl").path
    files = export_pyperf(study, folder / "times.json")
    return {
        one.name: _typical(file, name) for one, file in zip(interpreters, files, strict=True)
    }  # in the order of the plan's cases


def _by_pyperf(
    folder: Path, name: str, _package: str, script: PyperfScript, interpreters: Sequence[Interpreter]
) -> dict[str, float]:
    """Return the seconds per loop on each interpreter, which finds this pyperf through a link."""
    library = folder / "library"
    library.mkdir()
    (library / "pyperf").symlink_to(Path(pyperf.__file__).parent)
    found = {}
    for one in interpreters:
        file = folder / f"{one.name}.json"
        command = [*one.command, str(script.path), *script.arguments, "--output", str(file), *_PROCESSES]
        done = capture(
            [*command, "--inherit-environ", "PYTHONPATH"],
            seconds=_SECONDS,
            env=clean_environment({"PYTHONPATH": str(library)}),
        )
        if done.status:
            raise GilbenchError(f"{name} failed under pyperf on {one.name}: {done.reason}")
        found[one.name] = _typical(file, name)
    return found


def _typical(file: Path, name: str) -> float:
    """Return the median over processes of their median values, in s."""
    benchmark = pyperf.BenchmarkSuite.load(str(file)).get_benchmark(name)
    return float(median(median(run.values) for run in benchmark.get_runs() if run.values))


def main(package: str, *specs: str) -> int:
    """Print the rows."""
    try:
        for row in rows(package, specs or SPECS):
            interval = "" if row.lo is None or row.hi is None else f"{row.lo:.4g} to {row.hi:.4g}"
            print(
                row.what, f"{row.value:.4g}", interval, "" if row.holds else "differs", sep="  ", flush=True
            )
    except GilbenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 1 else __doc__)
