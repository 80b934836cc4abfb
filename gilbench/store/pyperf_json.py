"""Writes files for the commands of pyperf."""

from __future__ import annotations

from pathlib import Path

from gilbench.model.errors import StudyError
from gilbench.model.pyperf import PyperfBenchmark, PyperfSuite


def write_suite(path: Path, suite: PyperfSuite) -> None:
    """Write a suite. An existing file is replaced, and a name that ends in ``.gz`` is compressed.

    Raises:
        StudyError: The file cannot be written.
    """
    import pyperf  # noqa: PLC0415 - slow to import

    benchmarks = [
        pyperf.Benchmark(
            [
                pyperf.Run(
                    run.values,
                    metadata={**suite.metadata, **run.metadata, "name": benchmark.name},
                    collect_metadata=False,
                )
                for run in benchmark.runs
            ]
        )
        for benchmark in suite.benchmarks
    ]
    try:
        pyperf.BenchmarkSuite(benchmarks).dump(str(path), replace=True)
    except OSError as error:
        raise StudyError(f"cannot write {path}: {error.strerror}; choose another file with -o") from error


def write_benchmark(path: Path, benchmark: PyperfBenchmark) -> None:
    """Write one benchmark, without metadata."""
    write_suite(path, PyperfSuite(configuration="", interpreter="", benchmarks=(benchmark,)))
