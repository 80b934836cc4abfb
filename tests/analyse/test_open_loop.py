"""Studies in which a service was offered more than it could serve: what is said of it, and what is not."""

from __future__ import annotations

import io
import json
from typing import Any

import msgspec
import pytest
from rich.console import Console
from studies import StudyBuilder, cell_of, cells_of, make_slice, make_workload, named

from gilbench.analyse.study.caveats import caveats
from gilbench.analyse.study.comparisons import compare_interpreters, compare_studies
from gilbench.analyse.study.report import build_report
from gilbench.model.results import Comparison, Comparisons
from gilbench.model.study import Slice, Study
from gilbench.render.formats import page_of
from gilbench.render.json import write_json
from gilbench.render.terminal import show

OFFERED = 16  # in 0.4 s, at 40 per second
NOISE = (1.0, 1.08, 0.95, 1.03, 0.97)  # of the blocks
FAST, SLOW, SLOWER = 0.005, 0.05, 0.1  # s of service per request: loads of 0.2, 2, and 4


def study(*services: float, offered: int = OFFERED, **declared: Any) -> Study:
    """A study of ``echo`` on one interpreter for each number of seconds of service per request."""
    names = ("3.13", "3.13t", "3.11")[: len(services)]
    known = {"driver": "service", "parameters": {"rate": 40}, "scheduled": True, "quiet_case": False}
    workload = make_workload("echo", "mixed", **{**known, **declared})
    builder = StudyBuilder([named(name) for name in names], [workload], blocks=len(NOISE))
    for number, (name, service) in enumerate(zip(names, services, strict=True)):
        case = builder.case("echo", name)
        for block, noise in enumerate(NOISE[number:] + NOISE[:number]):
            builder.run(case, block, [slice_of(service * noise, offered)])
    return builder.study()


def slice_of(service: float, offered: int) -> Slice:
    """A slice of a server that answers in turn; requests come at even distances."""
    free, latencies = 0.0, []
    for number in range(offered):
        due = (number + 1) * 0.4 / (offered + 1)
        free = max(free, due) + service
        latencies.append(free - due)
    plain = make_slice(0, 0.0, threads=0, window=0.0)
    seen = {"latencies": tuple(latencies), "offered": offered, "served": offered}
    return msgspec.structs.replace(plain, end=plain.start + 10.0, **seen)


def rows(of: Study) -> dict[tuple[str, str], Comparison]:
    return {(row.case.interpreter, row.metric): row for row in compare_interpreters(of)}


def test_an_overloaded_case_says_what_it_serves_and_is_offered_and_has_no_percentile() -> None:
    report = build_report(study(FAST, SLOW))
    slow = {cell.metric for cell in cells_of(report, interpreter="3.13t")}
    assert not {metric for metric in slow if metric.startswith("latency")}
    served = cell_of(report, interpreter="3.13t", metric="served_rate")
    assert served.value == pytest.approx(1 / SLOW, rel=0.05)
    assert served.lo is not None
    assert served.hi is not None
    assert served.lo < 1 / SLOW < served.hi
    assert cell_of(report, interpreter="3.13t", metric="offered_rate").value == 40
    # All of it was answered in the end; in the long run, half can be.
    assert cell_of(report, interpreter="3.13t", metric="delivered").value == pytest.approx(0.5, rel=0.05)


def test_a_case_that_keeps_up_has_its_percentiles_and_no_rates() -> None:
    report = build_report(study(FAST, SLOW))
    fast = {cell.metric for cell in cells_of(report, interpreter="3.13")}
    assert {"latency_p50", "latency_p99", "latency_max", "delivered"} <= fast
    assert not {"served_rate", "offered_rate"} & fast
    assert cell_of(report, interpreter="3.13", metric="delivered").value == 1.0


@pytest.mark.parametrize(
    ("services", "ratio", "verdict"),
    [
        ((FAST, SLOW), 0.5, "regressed"),
        ((SLOW, FAST), 2.0, "improved"),
        ((SLOWER, SLOW), 2.0, "improved"),
        ((SLOW, SLOW), 1.0, "inconclusive"),
    ],
)
def test_an_overloaded_case_is_compared_by_what_it_serves(
    services: tuple[float, float], ratio: float, verdict: str
) -> None:
    found = rows(study(*services))
    assert {metric for _, metric in found} == {"delivered"}
    row = found["3.13t", "delivered"]
    assert row.ratio == pytest.approx(ratio, rel=0.06)
    assert row.verdict == verdict


def test_cases_that_keep_up_are_compared_by_their_latencies() -> None:
    found = rows(study(FAST, 2 * FAST))
    assert found["3.13t", "latency_p50"].ratio == pytest.approx(2, rel=0.1)
    assert found["3.13t", "latency_p50"].verdict == "regressed"


@pytest.mark.parametrize(("before", "now", "ratio"), [(FAST, SLOW, 0.5), (SLOW, FAST, 2.0)])
def test_studies_of_which_one_is_overloaded_are_compared_without_latencies(
    before: float, now: float, ratio: float
) -> None:
    (row,) = compare_studies(study(before), study(now))
    assert row.metric == "delivered"
    assert row.ratio == pytest.approx(ratio, rel=0.06)


def test_timers_are_overloaded_too_and_what_has_no_schedule_is_not() -> None:
    timers: dict[str, Any] = {"driver": "inside", "peer": None, "parameters": {"interval": 0.025}}
    assert cells_of(build_report(study(SLOW, **timers)), metric="served_rate")
    closed = build_report(study(SLOW, **{**timers, "parameters": {"work": 0.001}}))
    assert not cells_of(closed, metric="served_rate")
    assert cells_of(closed, metric="latency_p50")


def test_the_rate_of_the_case_counts() -> None:
    assert cells_of(build_report(study(SLOW, parameters={"rate": 10})), metric="latency_p50")


@pytest.mark.parametrize("rate", ["often", 0, -40])
def test_a_rate_that_is_none_is_not_judged(rate: object) -> None:
    assert cells_of(build_report(study(SLOW, parameters={"rate": rate})), metric="latency_p50")


def test_the_warning_names_the_case_and_both_rates_once_for_all_interpreters() -> None:
    (found,) = [one for one in caveats(study(FAST, SLOW, SLOWER)) if one.kind == "overloaded"]
    assert found.subject == "echo"
    assert found.text.startswith(
        "echo, 1 thread: overloaded, 40.0 /s offered, 20.0 /s served on 3.13t, 9.96 /s served on 3.11;"
    )
    assert found.next is not None
    assert "--set" in found.next
    assert not [one for one in caveats(study(FAST)) if one.kind == "overloaded"]


def test_the_page_of_a_study_says_overloaded_in_place_of_a_latency() -> None:
    page, file = page_of(build_report(study(FAST, SLOW))), io.StringIO()
    show(page, Console(file=file, width=120, highlight=False))
    (row,) = [line.split() for line in file.getvalue().splitlines() if "overloaded:  " in line]
    assert (row[0], row[4:]) == (
        "3.13t",
        ["overloaded:", "-", "20.0", "/s", "served", "of", "40.0", "/s", "-"],
    )
    assert "overloaded: more is offered than can be served" in file.getvalue()
    file = io.StringIO()
    write_json(page, file)
    cells = [cell for cell in json.loads(file.getvalue())["cells"] if cell["interpreter"] == "3.13t"]
    assert {"served_rate", "offered_rate"} <= {cell["metric"] for cell in cells}
    assert "latency" not in json.dumps(cells)


def test_the_page_of_a_comparison_has_the_warning_and_no_latency() -> None:
    of = study(FAST, SLOW)
    compared = Comparisons(rows=compare_interpreters(of), caveats=caveats(of), threshold=0.02, fdr=0.05)
    document = page_of(compared).document
    assert [one.kind for one in document["caveats"]] == ["overloaded"]
    assert {row["metric"] for row in document["comparisons"]} == {"delivered"}
