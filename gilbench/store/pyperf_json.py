"""Converts the trains of a case to a pyperf benchmark, in seconds per operation."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gilbench.model.errors import UsageError
from gilbench.model.study import Train

if TYPE_CHECKING:
    import pyperf


def to_pyperf(name: str, trains: Iterable[Train]) -> pyperf.Benchmark:
    """Convert a case to a benchmark. Each block becomes a run, and each short slice a value.

    Args:
        name: Name of the benchmark; pyperf compares benchmarks of the same name.
        trains: Trains of one case.

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
                [nanoseconds * 1e-9 / train.loops for nanoseconds in train.nanoseconds],
                metadata={"name": name},
                collect_metadata=False,
            )
            for train in trains
        ]
    )


def write_pyperf(path: Path, name: str, trains: Iterable[Train]) -> None:
    """Write a case as a file for pyperf's commands. An existing file is replaced."""
    to_pyperf(name, trains).dump(str(path), replace=True)
