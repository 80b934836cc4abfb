"""Comparisons and checks that were never measured."""

from __future__ import annotations

from typing import Any

from gilbench.analyse.gate import FailedCase, judge
from gilbench.model import Case, Comparison, Failure
from gilbench.render.check import Check
from gilbench.store.known_bad import Known

HOSTILE = (
    "<script>alert(1)</script>]]>|\\|`` ` @all #1 https://x.y [a](b) ::error ::x##[error]\r\n"
    "| \x1b[31m\x00\ufffe\u202e:,%" + "x" * 10_000
)


def row(verdict: str = "equivalent", **changes: Any) -> Comparison:
    known: dict[str, Any] = {
        "workload": "countdown",
        "family": "cpu",
        "interpreter": "3.13t",
        "reference": "3.13",
        "threads": 2,
        "parameters": (),
        "gil": None,
        "switch_interval": None,
        "cpus": None,
        "metric": "throughput",
        "better": "higher",
        "ratio": 0.9,
        "lo": 0.88,
        "hi": 0.92,
        "verdict": verdict,
        "reason": "interval too wide" if verdict == "inconclusive" else None,
        "blocks": 8,
        "blocks_needed": None,
        "paired": True,
    }
    return Comparison(**{**known, **changes})


def check(*rows: Comparison, known: tuple[Known, ...] = (), failed: int = 0, **changes: Any) -> Check:
    failures = [
        FailedCase(
            case=Case(workload=rows[0].workload if rows else "a", interpreter="3.13t", threads=number),
            failure=Failure(kind="crash", message=f"was ended by SIGSEGV {rows[0].workload if rows else ''}"),
        )
        for number in range(failed)
    ]
    given: dict[str, Any] = {
        "gate": judge(rows, known, failures),
        "created": "2026-01-02T05:04:05+02:00",
        "against": "3.13",
        "warnings": (),
        "threshold": 0.02,
        "fdr": 0.05,
        "exit_code": 0,
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
