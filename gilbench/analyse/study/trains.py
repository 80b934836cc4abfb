"""The short slices of a study: how long they were, and where a program's own pauses show in them."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from gilbench.analyse.stats.estimates import ratio_interval
from gilbench.analyse.stats.trains import has_pauses
from gilbench.analyse.study.index import Blocks
from gilbench.model.metrics import significant
from gilbench.model.results import Caveat, ShortSlices
from gilbench.model.study import Study
from gilbench.plan.axes import variant


def short_slices(study: Study) -> ShortSlices | None:
    """Summarize the trains of a study; None: it has none."""
    trains = [run.train for run in study.runs if run.train is not None and run.failure is None]
    if not trains:
        return None
    return ShortSlices(
        seconds=median(median(train.nanoseconds) for train in trains) * 1e-9,
        count=median(len(train.nanoseconds) for train in trains),
        handover=median(train.handover for train in trains),
    )


def pauses(study: Study) -> Iterator[Caveat]:
    """Yield a caveat for each case whose ratio is that of total times, since it differs from the typical ratio."""
    blocks = Blocks(study.header.plan, study.runs)
    for case in blocks.cases():
        reference = blocks.reference(case)
        ratios = list(blocks.train_ratios(case, reference).values()) if reference else []
        if has_pauses(ratios):
            typical = ratio_interval([ratio.typical for ratio in ratios]).value
            total = ratio_interval([ratio.total for ratio in ratios]).value
            yield Caveat(
                kind="pauses",
                subject=case.workload,
                text=(
                    f"{case.workload} has pauses of its own on {variant(case)} or {blocks.plan.reference}: its typical "
                    f"slice has a ratio of {significant(typical)}x, all slices together {significant(total)}x, "
                    "which is used"
                ),
            )
