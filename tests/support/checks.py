"""Comparisons and checks that were never measured."""

from __future__ import annotations

from typing import Any

from gilbench.analyse.study.gate import decide, exit_code, no_baseline
from gilbench.model.metrics import METRICS
from gilbench.model.results import Caveat, Check, Comparison, FailedCase, Known, family_title
from gilbench.model.study import Case, Failure

HOSTILE = (
    "<script>alert(1)</script>]]>|\\|`` ` @all #1 https://x.y [a](b) ::error ::x##[error]\r\n"
    "| \x1b[31m\x00\ufffe\u202e:,%" + "x" * 10_000
)


def row(verdict: str = "equivalent", **changes: Any) -> Comparison:
    """A comparison; fields of its case are changed by their names, too."""
    case: dict[str, Any] = {"workload": "countdown", "interpreter": "3.13t", "threads": 2}
    metric = METRICS.get(changes.get("metric", "throughput"), METRICS["throughput"])
    ratio = {"equivalent": 1.0, "improved": 1.1}.get(verdict, 0.9)
    if metric.better == "lower":
        ratio = 1 / ratio
    case |= {name: changes.pop(name) for name in list(changes) if name in Case.__struct_fields__}
    known: dict[str, Any] = {
        "case": Case(**case),
        "family": "cpu",
        "reference": "3.13",
        "metric": "throughput",
        "better": metric.better,
        "ratio": ratio,
        "lo": ratio * 0.88 / 0.9,
        "hi": ratio * 0.92 / 0.9,
        "verdict": verdict,
        "reason": "interval too wide" if verdict == "inconclusive" else None,
        "blocks": 8,
        "blocks_needed": None,
        "paired": True,
    }
    return Comparison(**{**known, **changes})


def mean(verdict: str = "regressed", **changes: Any) -> Comparison:
    """The geometric mean over a family."""
    return row(verdict, workload=family_title("cpu"), **changes)


def first_check(*, strict: bool = False, failed: int = 0) -> Check:
    """A check against an empty history."""
    gate = no_baseline(check(failed=failed).gate.failed)
    reason = Caveat(
        kind="no_baseline",
        text="the history h.sqlite does not exist yet",
        next="Measure the baseline like this study, and add it: gilbench history add STUDY --database h.sqlite",
    )
    return check(gate=gate, exit_code=exit_code(gate, strict=strict), against="history", caveats=(reason,))


def check(
    *rows: Comparison,
    known: tuple[Known, ...] = (),
    failed: int = 0,
    warnings: tuple[str, ...] = (),
    **changes: Any,
) -> Check:
    failures = [
        FailedCase(
            case=Case(workload=rows[0].case.workload if rows else "a", interpreter="3.13t", threads=number),
            failure=Failure(
                kind="crash", message=f"ended by SIGSEGV {rows[0].case.workload if rows else ''}"
            ),
        )
        for number in range(failed)
    ]
    gate = decide(rows, known, failures)
    given: dict[str, Any] = {
        "gate": gate,
        "exit_code": exit_code(gate),
        "created": "2026-01-02T05:04:05+02:00",
        "against": "3.13",
        "caveats": tuple(Caveat(kind="test", text=text) for text in warnings),
        "threshold": 0.02,
        "fdr": 0.05,
    }
    return Check(**{**given, **changes})


def hostile_check() -> Check:
    """Each list, filled with names from a bad place."""
    rows = [
        row(verdict, workload=HOSTILE, interpreter=HOSTILE, metric=metric, parameters=((HOSTILE, HOSTILE),))
        for verdict in ("regressed", "improved", "inconclusive", "equivalent")
        for metric in ("throughput", "latency_p99", HOSTILE)
    ]
    known = (
        Known(reason=HOSTILE, metric="latency_*"),
        Known(reason=HOSTILE, workload="nothing", interpreter=HOSTILE),
    )
    return check(*rows, known=known, failed=2, warnings=(HOSTILE,), against=HOSTILE)
