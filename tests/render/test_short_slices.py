from __future__ import annotations

import json

from golden import written
from studies import make_header, make_plan, make_profile, make_slice, make_train, make_workload, named

from gilbench.analyse.study.report import build_report
from gilbench.model.results import Report
from gilbench.model.study import Case, Run, Study


def measured(train_seconds: float) -> Report:
    cases = [Case(workload="countdown", interpreter=name, threads=1) for name in ("3.13", "3.14")]
    plan = make_plan(cases, effort=make_profile(train_seconds=train_seconds))
    train = make_train([1_000_000] * 80) if train_seconds else None
    runs = tuple(
        Run(case=index, block=block, attempt=0, slices=(make_slice(0, 1000.0 + block),), train=train)
        for index in range(2)
        for block in range(4)
    )
    header = make_header(plan, [named("3.13"), named("3.14", "3.14.0")], [make_workload()])
    return build_report(Study(header=header, runs=runs))


def test_a_page_says_which_results_are_from_short_slices() -> None:
    report = measured(train_seconds=0.08)
    text = "One-thread ratios: 80 slices of 1.00 ms per block, in turn. Other results: 50.0 ms."
    assert text in written(report, "terminal", 160)
    found = json.loads(written(report, "json"))["short_slices"]
    assert found == {"seconds": 0.001, "count": 80, "handover": 1e-5}


def test_a_page_without_short_slices_does_not_speak_of_them() -> None:
    report = measured(train_seconds=0.0)
    assert "One-thread ratios" not in written(report, "terminal", 160)
    assert json.loads(written(report, "json"))["short_slices"] is None
