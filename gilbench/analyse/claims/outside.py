"""Claim 2: what happens outside the GIL."""

from __future__ import annotations

from typing import NamedTuple

from gilbench.analyse.claims.claim import Claim, Experiment, Limit, speedup
from gilbench.analyse.claims.evidence import Evidence, Spot
from gilbench.analyse.claims.processors import PARALLEL, one_processor
from gilbench.run.properties import Column


class _Part(NamedTuple):
    workload: str
    what: str
    computes: bool = True  # so that several processors are needed to see it


_PARTS = (
    _Part("sleep", "a blocking call (sleep)", computes=False),
    _Part("file_read", "file I/O"),
    _Part("socket_wait", "socket I/O", computes=False),
    _Part("sha256", "hashing"),
    _Part("pillow_resize", "image processing (Pillow)"),
    _Part("numpy_matmul", "NumPy"),
)


def _nothing(_column: Column, _cpus: int) -> None:
    """Threads that sleep need no processors."""


def outside(cores: int) -> Claim:
    """Claim 2, at as many threads as there are processors."""

    def experiment(part: _Part) -> Experiment:
        spot = Spot(part.workload, cores)

        def module(evidence: Evidence, column: Column) -> str | None:
            backend = evidence.backend(column, spot)
            return None if backend is None else f"it is done by {backend}, which keeps the GIL"

        return Experiment(
            key=part.workload,
            part=part.what,
            measured=f"speed-up of {part.workload} on {cores} threads",
            spots=(spot, Spot(part.workload, 1)),
            read=speedup(spot),
            limit=Limit(PARALLEL, "above"),
            lacks=one_processor if part.computes else _nothing,
            remark=module,
        )

    return Claim(
        number=2,
        title="Blocking calls, I/O, image processing and NumPy happen outside the GIL",
        experiments=tuple(map(experiment, _PARTS)),
    )
