"""The judgment of an experiment: a verdict, and the value that it is based on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from gilbench.model.scores import Configuration, Verdict

Figures = dict[str, Any]  # the answer of an experiment, by name


class Judged(NamedTuple):
    """A verdict and the value that it is based on."""

    verdict: Verdict
    measured: str | None = None  # the meaning of the figure
    figure: float | None = None
    unit: str | None = None
    lo: float | None = None
    hi: float | None = None
    reason: str | None = None


class Context(NamedTuple):
    """What a judgment may depend on, in addition to the answer of the experiment."""

    configuration: Configuration
    reference: Configuration | None  # the GIL-enabled build of its version; None: there is none
    reference_figures: Figures | None  # of the same experiment; None: it gave none
    control_figures: Figures | None = (
        None  # of the positive control in this configuration; None: there is none
    )


Judge = Callable[[Figures], Judged]
Reading = Callable[[Figures, Context], Judged]


def alone(judge: Judge) -> Reading:
    """Return a reading that depends on the answer alone."""
    return lambda figures, _context: judge(figures)


def fraction(hits: int, events: int, measured: str, verdict: Verdict, reason: str | None = None) -> Judged:
    """Return a judgment by a fraction of events, with Wilson's interval (1927)."""
    from scipy.stats import binomtest  # noqa: PLC0415 - scipy is slow to import

    ends = binomtest(hits, events).proportion_ci(method="wilson")
    return Judged(verdict, measured, hits / events, "fraction", float(ends.low), float(ends.high), reason)


def always(hits: int, events: int) -> Verdict:
    """Return yes if every event is a hit: nobody can rely on less."""
    return "yes" if hits == events else "no"
