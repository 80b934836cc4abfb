"""Claim 2: work outside the GIL."""

from __future__ import annotations

from typing import NamedTuple

from gilbench.analyse.claims.claim import Claim, ClaimExperiment, Limit, keep, speedup
from gilbench.analyse.claims.evidence import Evidence, Spot
from gilbench.analyse.claims.processors import on_this_host, one_processor
from gilbench.analyse.study.host_speedup import PARALLEL
from gilbench.model.scores import Configuration


class _OffGilWork(NamedTuple):
    workload: str
    what: str
    computes: bool = True  # so that the experiment needs several CPUs


_PARTS = (
    _OffGilWork("sleep", "blocking call (sleep)", computes=False),
    _OffGilWork("file_read", "file I/O"),
    _OffGilWork("socket_wait", "socket I/O", computes=False),
    _OffGilWork("sha256", "hashing"),
    _OffGilWork("pillow_resize", "image processing (Pillow)"),
    _OffGilWork("numpy_matmul", "NumPy"),
)


def _nothing(_configuration: Configuration, _cpus: int) -> None:
    """Threads that sleep need no CPUs."""


def outside(cores: int) -> Claim:
    """Claim 2, with as many threads as CPUs."""

    def experiment(part: _OffGilWork) -> ClaimExperiment:
        spot = Spot(part.workload, cores)

        def module(evidence: Evidence, configuration: Configuration) -> str | None:
            backend = evidence.backend(configuration, spot)
            return None if backend is None else f"{backend} implements it and holds the GIL"

        return ClaimExperiment(
            key=part.workload,
            part=part.what,
            measured=f"speedup of {part.workload} on {cores} threads",
            spots=(spot, Spot(part.workload, 1)),
            read=speedup(spot),
            limit=Limit(PARALLEL, "above"),
            adapt=on_this_host(spot) if part.computes else keep,
            lacks=one_processor if part.computes else _nothing,
            remark=module,
        )

    return Claim(
        number=2,
        title="Blocking calls, I/O, image processing, and NumPy happen outside the GIL",
        experiments=tuple(map(experiment, _PARTS)),
    )
