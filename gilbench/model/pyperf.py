"""Benchmarks as pyperf has them: times per operation, by process."""

from __future__ import annotations

import msgspec

from gilbench.model.study import Struct

PREFIX = "pyperf:"
"""Before the name of a benchmark in the name of its workload: many are named like workloads of the catalogue."""

Metadata = dict[str, str | int | float]


class PyperfRun(Struct, frozen=True):
    """The values of one process."""

    values: tuple[float, ...]  # s per operation
    metadata: Metadata = msgspec.field(default_factory=dict)


class PyperfBenchmark(Struct, frozen=True):
    """A benchmark and its runs."""

    name: str
    runs: tuple[PyperfRun, ...]


class PyperfSuite(Struct, frozen=True):
    """The benchmarks of one interpreter, which pyperf keeps in one file."""

    configuration: str  # the interpreter and its modes, as in tables
    interpreter: str  # its name in the study
    benchmarks: tuple[PyperfBenchmark, ...]
    metadata: Metadata = msgspec.field(default_factory=dict)
