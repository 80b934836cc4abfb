"""Impossible scorecards, checks, answers of ``releases``, and files of pyperf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from campaigns.invariants import Change, Invariants, first_with, put, set_to

Row = dict[str, Any]


def _in(name: str, change: Callable[[Row], object], *needs: str, **wanted: Any) -> Change:
    """Change the first row of a list that has some fields, or some values."""

    def apply(document: Row) -> object:
        rows = [one for one in document[name] if all(one[key] == value for key, value in wanted.items())]
        return any(change(one) is not False for one in list(first_with(rows, *needs))[:1])

    return apply


def _twice(name: str) -> Change:
    return lambda document: bool(document[name]) and document[name].append(document[name][0])


def _scores(name: str, wrong: str) -> Invariants:
    return {
        f"{name}: a figure is inside its interval": _in(
            name, lambda one: put(one, "figure", one["hi"] + 1), "lo", "hi"
        ),
        f"{name}: an interval is in order": _in(name, lambda one: one.update(lo=one["hi"] + 1), "lo", "hi"),
        f"{name}: an interval has a figure": _in(name, lambda one: one.update(figure=None), "lo", "hi"),
        f"{name}: a figure has a unit": _in(name, lambda one: one.update(unit=None), "figure"),
        f"{name}: a figure is not negative": _in(
            name, lambda one: one.update(figure=-9.0, lo=-9.5, hi=-8.0), "figure"
        ),
        f"{name}: a verdict is of the kind": _in(name, lambda one: put(one, "verdict", wrong)),
        f"{name}: a cell is there once": _twice(name),
    }


def _interpreter(name: str) -> Change:
    return _in(name, lambda one: put(one, "interpreter", "nobody"))


_SCORECARD: Invariants = {
    **_scores("claims", "yes"),
    **_scores("properties", "holds"),
    "a claim is of an interpreter": _interpreter("claims"),
    "interpreters differ": _twice("interpreters"),
    "a scorecard has a date": set_to("created", "yesterday"),
    "a host has memory": set_to("host.memory", 0),
    "a schema is a positive number": set_to("schema", -1),
}
_CHECK: Invariants = {
    "a ratio is inside its interval": _in("comparisons", lambda one: one.update(ratio=9.0), "lo", "hi"),
    "a ratio is not negative": _in(
        "comparisons", lambda one: one.update(ratio=-1.0, lo=-2.0, hi=0.0), "ratio"
    ),
    "what regressed is worse": _in(
        "comparisons", lambda one: one.update(ratio=1.5, lo=1.4, hi=1.6), verdict="regressed", better="higher"
    ),
    "what improved is better": _in(
        "comparisons", lambda one: one.update(ratio=0.5, lo=0.4, hi=0.6), verdict="improved", better="higher"
    ),
    "what is equivalent is as good": _in(
        "comparisons", lambda one: one.update(ratio=0.5, lo=0.4, hi=0.6), verdict="equivalent"
    ),
    "a decided row has a ratio": _in(
        "comparisons", lambda one: one.update(ratio=None, lo=None, hi=None), verdict="equivalent"
    ),
    "only an inconclusive row has a reason": _in(
        "comparisons", lambda one: one.update(blocks=0), verdict="equivalent"
    ),
    "a verdict is of the rows": set_to("verdict", "pass"),
    "an exit code is of the verdict": set_to("exit_code", 0),
    "a status is of the verdict": _in(
        "comparisons", lambda one: put(one, "status", "improved"), verdict="regressed"
    ),
    "a metric exists": _in("comparisons", lambda one: put(one, "metric", "speed")),
    "a metric has its direction": _in("comparisons", lambda one: put(one, "better", "sideways")),
    "a row is there once": _twice("comparisons"),
    "blocks are not negative": _in("comparisons", lambda one: put(one, "blocks", -1)),
    "threads are not negative": _in("comparisons", lambda one: put(one, "threads", -1)),
    "a threshold is a fraction": set_to("threshold", 2.0),
    "a false discovery rate is a fraction": set_to("fdr", 0.0),
    "a check has a date": set_to("created", "yesterday"),
    "a schema is a positive number": set_to("schema", 0),
}
_RELEASES: Invariants = {
    "a share is inside its interval": _in("rows", lambda one: put(one, "share", 0.1)),
    "an interval is in order": _in("rows", lambda one: put(one, "lo", 0.99)),
    "a share is at most 1": _in("rows", lambda one: put(one, "hi", 1.5)),
    "a share has an interval": _in("rows", lambda one: put(one, "share", None)),
    "an answer is of its share": _in("rows", lambda one: one.update(share=0.1, lo=0.05, hi=0.15)),
    "the answer is of the rows": set_to("answer", "no"),
    "a row is there once": _twice("rows"),
    "a row is of an interpreter": _interpreter("rows"),
    "blocks are not negative": _in("rows", lambda one: put(one, "blocks", -1)),
    "an answer needs blocks": _in("rows", lambda one: put(one, "blocks", 0)),
    "a call takes time": _in("rows", lambda one: put(one, "seconds", -1.0)),
    "the smallest share is a fraction": set_to("at_least", 1.5),
    "answers have a date": set_to("created", "yesterday"),
    "a schema is a positive number": set_to("schema", 0),
}


def _run(change: Callable[[Row], object]) -> Change:
    def apply(suite: Row) -> object:
        runs = [run for one in suite["benchmarks"] for run in one["runs"] if run.get("values")]
        return bool(runs) and change(runs[0])

    return apply


def _about(name: str, value: Any) -> Change:
    """Give metadata of all runs another value."""

    def apply(suite: Row) -> object:
        for holder in (
            suite,
            *suite["benchmarks"],
            *(run for one in suite["benchmarks"] for run in one["runs"]),
        ):
            holder.get("metadata", {}).pop(name, None)
        suite.setdefault("metadata", {})[name] = value
        return True

    return apply


_PYPERF: Invariants = {
    "a value is positive": _run(lambda run: put(run, "values.0", -1.0)),
    "a value takes time": _run(lambda run: put(run, "values.0", 0.0)),
    "a value is a time": _run(lambda run: put(run, "values.0", 1e12)),
    "loops are positive": _about("loops", -5),
    "loops are a number": _about("loops", "many"),
    "inner loops are positive": _about("inner_loops", 0),
    "a host has CPUs": _about("cpu_count", -3),
    "benchmarks have different names": lambda suite: suite["benchmarks"].append(suite["benchmarks"][0]),
}
DOCUMENTS: dict[str, Invariants] = {
    "scorecard": _SCORECARD,
    "scores": _scores("properties", "holds"),
    "check": _CHECK,
    "releases": _RELEASES,
    "pyperf": _PYPERF,
}
