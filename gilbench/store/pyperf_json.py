"""Interchange with pyperf: the runs of a case as a pyperf benchmark, seconds per operation."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gilbench.errors import UsageError
from gilbench.model import Run

if TYPE_CHECKING:
    import pyperf


def to_pyperf(name: str, runs: Iterable[Run]) -> pyperf.Benchmark:
    """Make a benchmark of a case: each block a process, each slice one of its values.

    Args:
        name: Of the benchmark; pyperf compares those of equal names.
        runs: Of one case, in which each slice did something.

    Raises:
        UsageError: pyperf is not installed.
    """
    try:
        import pyperf  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        raise UsageError("pyperf is not installed; pip install 'gilbench[pyperf]'") from error
    return pyperf.Benchmark(
        [
            pyperf.Run(
                [piece.window / piece.operations for piece in run.slices],
                metadata={"name": name},
                collect_metadata=False,
            )
            for run in runs
        ]
    )


def write_pyperf(path: Path, name: str, runs: Iterable[Run]) -> None:
    """Write a case where pyperf's own commands can read it; a file that is there is replaced."""
    to_pyperf(name, runs).dump(str(path), replace=True)
