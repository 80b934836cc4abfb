"""Compares results that another benchmark printed with each other, or with those of a study."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from gilbench.analyse.study.comparison_rows import BASELINE
from gilbench.model.results import Caveat, Cell, Comparison
from gilbench.model.study import Case
from gilbench.plan.axes import variant

_OWN = "own"
_FUNCTIONS = ("ftscalingbench:", "ftscalingbench.")
"""Before a function in the name of a workload: as printed, and as ``--call`` names it if its plain name is taken."""

NO_INTERVAL = Caveat(
    kind="no_interval",
    text="printed values have no interval and are from another time, so no row has a verdict",
    next="For a verdict, measure both builds now, interleaved: gilbench check --python NEW --against OLD.",
)


def compare_printed(
    before: Sequence[Cell], after: Sequence[Cell], metrics: Collection[str]
) -> tuple[Comparison, ...]:
    """Compare printed results with later results, of which one can be those of a study.

    The functions of ftscalingbench can be measured with ``--call``, so its benchmarks are compared with own code of
    the same name. The interpreter is what is compared, so its name may differ.

    Args:
        before: Results of the baseline.
        after: Results of the candidate.
        metrics: Metrics to compare.
    """
    return tuple(_rows(before, after, metrics))


def _rows(before: Sequence[Cell], after: Sequence[Cell], metrics: Collection[str]) -> Iterator[Comparison]:
    known: dict[tuple[object, ...], list[Cell]] = defaultdict(list)
    for cell in before:
        known[_key(cell)].append(cell)
    for cell in after:
        if cell.metric in metrics:
            for earlier in known.get(_key(cell), ()):
                yield _row(earlier, cell)


def _key(cell: Cell) -> tuple[object, ...]:
    name = cell.case.workload
    if cell.family == _OWN:
        for prefix in _FUNCTIONS:
            name = name.removeprefix(prefix)
    return (
        cell.family == _OWN,
        name,
        cell.case.parameters,
        cell.case.threads,
        cell.case.observers,
        cell.metric,
    )


def _row(before: Cell, after: Cell) -> Comparison:
    names = [variant(one.case) for one in (after, before)]
    name = names[0] if names[0] == names[1] else " vs ".join(names)
    return Comparison(
        case=Case(
            workload=after.case.workload,
            interpreter=name,
            threads=after.case.threads,
            parameters=after.case.parameters,
        ),
        family=after.family,
        reference=BASELINE,
        metric=after.metric,
        better=after.better,
        ratio=after.value / before.value if before.value else None,
        lo=None,
        hi=None,
        verdict="inconclusive",
        reason="no interval",
        blocks=min(after.blocks, before.blocks),
        blocks_needed=None,
        paired=False,
    )
