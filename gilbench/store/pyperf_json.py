"""Converts the runs of a case to a pyperf benchmark, in seconds per operation."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gilbench.model.errors import UsageError
from gilbench.model.study import Run

if TYPE_CHECKING:
    import pyperf


def to_pyperf(name: str, runs: Iterable[Run]) -> pyperf.Benchmark:
    """Convert a case to a benchmark. Each block becomes a run, and each slice a value.

    Args:
        name: Name of the benchmark; pyperf compares benchmarks of the same name.
        runs: Runs of one case. Each slice must have at least one operation.

    Raises:
        UsageError: pyperf is not installed.
    """
    try:
        import pyperf  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        raise UsageError("pyperf is not installed; install it: pip install 'gilbench[pyperf]'") from error
    return pyperf.Benchmark(
        [
            pyperf.Run(
                [slice_.window / slice_.operations for slice_ in run.slices],
                metadata={"name": name},
                collect_metadata=False,
            )
            for run in runs
        ]
    )


def write_pyperf(path: Path, name: str, runs: Iterable[Run]) -> None:
    """Write a case as a file for pyperf's commands. An existing file is replaced."""
    to_pyperf(name, runs).dump(str(path), replace=True)
