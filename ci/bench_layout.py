"""How much builds of one source differ through the layout of their code alone: those of ``ci/make-layouts``.

Every layout runs every one-thread cpu workload, all of them interleaved in each block. The model of one workload is
log-ratio = block + layout + error, with random layouts (analysis of variance). The variance between layouts is that
between their means over blocks, less what the error leaves in a mean. ``analyse/stats/layout.py`` holds the figures
that a check allows for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import platformdirs
from bench_row import Row
from numpy.typing import NDArray

from gilbench.analyse.stats.layout import LAYOUT_FREEDOM, LAYOUT_SD, LAYOUT_SHARED
from gilbench.analyse.study.index import Blocks
from gilbench.host.description import describe_host
from gilbench.interpreters import select
from gilbench.interpreters.names import name_all
from gilbench.model.errors import GilbenchError
from gilbench.model.study import Interpreter, Run
from gilbench.plan import catalogue
from gilbench.plan.axes import Axes, cases
from gilbench.plan.blocks import EFFORTS, make_plan
from gilbench.run.measure import run_plan
from gilbench.run.session import Hooks

BLOCKS = 16

FloatArray = NDArray[np.float64]


class Effects(NamedTuple):
    """What the layouts do to one workload, on the log scale."""

    layouts: FloatArray  # one effect per layout; their mean is 0
    error: float  # variance of one of them through noise

    @property
    def variance(self) -> float:
        """Estimate of the variance between layouts; negative by chance if it is small."""
        return float(np.var(self.layouts, ddof=1)) - self.error


class Layouts(NamedTuple):
    """The variance between layouts over some workloads, and how unequal it is."""

    mean: float  # variance between layouts, averaged over workloads
    lo: float
    hi: float
    shared: float  # fraction of it that all workloads have in common
    freedom: float  # of Student's t for one workload, whose variance is unknown


def layouts(blocks: int = BLOCKS) -> Iterator[Row]:
    """Measure the layouts, and compare with what a check allows for."""
    effects = {name: _effects(logs) for name, logs in _measure(_interpreters(), blocks).items()}
    for name, one in effects.items():
        yield Row(f"sd between layouts, {name}", _root(one.variance), None, None, "", holds=True)
    if not effects:
        raise GilbenchError("no workload ran on all layouts\nBuild them again: ci/make-layouts")
    found = summary(list(effects.values()))
    low, high = _root(found.lo), _root(found.hi)
    holds = low <= LAYOUT_SD <= high
    yield Row("sd between layouts, all cpu workloads", _root(found.mean), low, high, f"{LAYOUT_SD:g}", holds)
    yield Row(
        "share that all workloads have in common", found.shared, None, None, f"{LAYOUT_SHARED:g}", holds=True
    )
    yield Row(
        "degrees of freedom of one workload", found.freedom, None, None, f"{LAYOUT_FREEDOM:g}", holds=True
    )


def summary(effects: Sequence[Effects]) -> Layouts:
    """Average the variance between layouts over workloads.

    The interval is Satterthwaite's, from the spread of the variance over workloads and from what the workloads have in
    common, of which there is one value per layout. In 400 simulations each with 4 and with 8 layouts of 14 workloads,
    it covers 92 to 93%; 89 to 90% if half of the variance is shared; 82 to 83% if the workloads are very unequal
    (log-normal, sigma 0.5).
    """
    from scipy.special import chdtri  # noqa: PLC0415 - scipy is slow to import

    variances = np.array([one.variance for one in effects])
    mean, count = float(variances.mean()), len(effects)
    if mean <= 0:
        return Layouts(0.0, math.nan, math.nan, math.nan, math.nan)
    squared = float(variances.var(ddof=1)) / mean**2  # coefficient of variation
    chance = 2 / (len(effects[0].layouts) - 1)  # the same of a variance over normal layouts
    together = Effects(
        np.mean([one.layouts for one in effects], axis=0),
        float(np.mean([one.error for one in effects])) / count,
    )
    # Over workloads with nothing in common, the variance of the mean is the count-th part.
    shared = min(max((together.variance / mean - 1 / count) / (1 - 1 / count), 0.0), 1.0)
    freedom = 2 / (squared / count + chance * shared**2)
    unequal = max((1 + squared) / (1 + chance) - 1, 0.0)
    return Layouts(
        mean=mean,
        lo=mean * freedom / float(chdtri(freedom, 0.025)),
        hi=mean * freedom / float(chdtri(freedom, 0.975)),
        shared=shared,
        # Student's t is normal noise whose variance is scaled inverse chi-squared, with this variation.
        freedom=4 + 2 / unequal if unequal else math.inf,
    )


def _effects(logs: FloatArray) -> Effects:
    """Estimate the effects from log-ratios to any one layout, shape (blocks, layouts)."""
    count, width = logs.shape
    relative = logs - logs.mean(axis=1, keepdims=True)
    means = relative.mean(axis=0)
    error = float(((relative - means) ** 2).sum()) / ((count - 1) * (width - 1))
    return Effects(means, error / count)


def _interpreters() -> tuple[Interpreter, ...]:
    folder = platformdirs.user_cache_path("gilbench") / "layouts" / "bin"
    paths = sorted(folder.glob("python3.13-layout*"))
    if len(paths) < 2:
        raise GilbenchError(f"there are no layouts in {folder}\nBuild them: ci/make-layouts")
    return name_all(select([str(path)]).interpreters[0] for path in paths)


def _measure(builds: Sequence[Interpreter], blocks: int) -> dict[str, FloatArray]:
    """Return for each workload the log-ratios to the first build, shape (blocks, builds)."""
    known = catalogue.catalogue()
    chosen = [one for one in known.values() if one.family == "cpu" and one.driver == "parallel"]
    plan = make_plan(
        list(cases(chosen, builds, Axes((1,), few_choices=True))),
        effort=msgspec.structs.replace(EFFORTS["standard"], blocks=blocks, long_every=blocks),
        interpreters=builds,
        workloads=chosen,
        reference=builds[0].name,
        seed=1,
    )
    runs: list[Run] = []
    hooks = Hooks(save=runs.append, stop=lambda: False, progress=lambda _text, _share: None)
    run_plan(plan, builds, known, hooks, host=describe_host())
    index = Blocks(plan, runs)
    columns: dict[str, list[list[float]]] = {}
    for case in index.cases():
        reference = index.reference(case) or case
        columns.setdefault(case.workload, []).append(
            list(index.throughput_log_ratios(case, reference).values())
        )
    complete = {name: logs for name, logs in columns.items() if all(len(one) == blocks for one in logs)}
    return {name: np.array(logs).T for name, logs in complete.items()}


def _root(variance: float) -> float:
    return math.sqrt(max(variance, 0.0))
