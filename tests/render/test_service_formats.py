"""Formats of services: read by the parsers of those projects, or held against their published rules."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from asv.results import Results
from checks import HOSTILE, check, hostile_check, row
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from gilbench.analyse.study.report import build_report
from gilbench.model.errors import UsageError
from gilbench.model.results import Cell, Check, Report
from gilbench.render.formats import names_for, text_of
from gilbench.store.study import read_study

REFERENCE = Path(__file__).parents[2] / "reports/reference"
# The rules of Bencher's bmf.json and of GitLab's documentation, in our words.
BENCHER = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {
            "type": "object",
            "properties": {name: {"type": "number"} for name in ("value", "lower_value", "upper_value")},
            "required": ["value"],
            "additionalProperties": False,
        },
    },
}
GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^/]"},
                    "lines": {"type": "object", "required": ["begin"]},
                },
            },
        },
    },
}


@pytest.fixture(scope="module")
def report() -> Report:
    return build_report(read_study(REFERENCE / "quick.jsonl"))


def cell_of(report: Report, metric: str, threads: int = 2, workload: str = "countdown") -> Cell:
    case = ("3.13t", threads, workload)
    (found,) = (
        cell
        for cell in report.cells
        if cell.metric == metric
        and (cell.case.interpreter, cell.case.threads, cell.case.workload) == case
        and not cell.case.observers
    )
    return found


def families_of(result: object) -> list[Any]:
    return list(text_string_to_metric_families(text_of(result, "openmetrics")))  # type: ignore[no-untyped-call]


def read(result: object, form: str) -> Any:
    return json.loads(text_of(result, form))


def test_bencher_gets_every_value_with_its_interval(report: Report) -> None:
    document = read(report, "bencher")
    jsonschema.validate(document, BENCHER)
    cell = cell_of(report, "throughput")
    assert document["countdown [3.13t] threads=2"]["throughput"] == {
        "value": cell.value,
        "lower_value": cell.lo,
        "upper_value": cell.hi,
    }
    assert sum(map(len, document.values())) == sum(
        math.isfinite(cell.value) and not cell.case.observers for cell in report.cells
    )


def test_github_action_benchmark_gets_one_direction_per_file(report: Report) -> None:
    bigger, smaller = (read(report, f"github-benchmark-{side}") for side in ("bigger", "smaller"))
    for entries in (bigger, smaller):
        assert len({entry["name"] for entry in entries}) == len(entries)
        for entry in entries:
            assert isinstance(entry["value"], int | float)
            assert {"name", "unit", "value"} <= entry.keys() <= {"name", "unit", "value", "range", "extra"}
    assert "countdown [3.13t] threads=2 throughput" in {entry["name"] for entry in bigger}
    assert {entry["name"].rpartition(" ")[2] for entry in smaller} >= {"latency_p50", "memory_peak"}
    assert not {entry["name"] for entry in bigger} & {entry["name"] for entry in smaller}


def test_prometheus_reads_openmetrics(report: Report) -> None:
    families = {one.name: one for one in families_of(report)}
    assert {one.type for one in families.values()} == {"gauge"}
    labels = {"workload": "countdown", "interpreter": "3.13t", "threads": "2", "parameters": ""}
    cell = cell_of(report, "throughput")
    for suffix, value in (("", cell.value), ("_lower", cell.lo), ("_upper", cell.hi)):
        family = families[f"gilbench_throughput{suffix}_per_second"]
        assert family.unit == "per_second"
        assert [one.value for one in family.samples if one.labels == labels] == [value]
    assert families["gilbench_latency_p50_seconds"].unit == "seconds"
    assert families["gilbench_speedup_ratio"].documentation == "speedup over one thread"


def test_asv_reads_its_results(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "machine" / "00000000-gilbench.json"
    path.parent.mkdir()
    path.write_text(text_of(report, "asv"))
    results = Results.load(str(path))
    assert results.env_name == "gilbench"
    interpreters, threads = results.get_result_params("countdown.throughput")
    assert set(interpreters) == {"'3.13'", "'3.13t'", "'3.11'"}
    values = results.get_result_value("countdown.throughput", [interpreters, threads])
    at = interpreters.index("'3.13t'") * len(threads) + threads.index("2")
    assert values[at] == cell_of(report, "throughput").value


def test_gitlab_gets_what_is_bad_with_a_lasting_fingerprint() -> None:
    rows = [row("regressed"), row("regressed", metric="latency_p50"), row("equivalent", threads=4)]
    document = read(check(*rows), "gitlab")
    jsonschema.validate(document, GITLAB)
    assert [one["severity"] for one in document] == ["major", "major"]
    assert document[0]["location"]["path"] == "workloads/countdown.py"
    assert len({one["fingerprint"] for one in document}) == 2
    again = read(check(row("regressed", ratio=0.5, lo=0.4, hi=0.6)), "gitlab")
    assert again[0]["fingerprint"] == document[0]["fingerprint"]
    assert again[0]["description"] != document[0]["description"]


@pytest.mark.parametrize("form", ["bencher", "github-benchmark-bigger", "openmetrics"])
def test_the_ratios_of_a_check_are_values_of_their_own(form: str) -> None:
    text = text_of(check(row("regressed", ratio=0.875)), form)
    assert "0.875" in text
    assert "throughput" in text
    assert "ratio" in text


def test_names_from_outside_do_no_harm_in_any_format() -> None:
    hostile = hostile_check()
    jsonschema.validate(read(hostile, "gitlab"), GITLAB)
    jsonschema.validate(read(hostile, "bencher"), BENCHER)
    assert families_of(hostile)
    assert HOSTILE[:20] in text_of(hostile, "openmetrics")
    for form in ("gitlab", "bencher", "openmetrics", "github-benchmark-bigger"):
        text = text_of(hostile, form)
        assert all(letter.isprintable() or letter == "\n" for letter in text)


def test_a_check_without_values_is_still_a_document() -> None:
    empty: Check = check()
    assert text_of(empty, "openmetrics") == "# EOF\n"
    assert read(empty, "github-benchmark-smaller") == read(empty, "gitlab") == []


def test_a_format_that_cannot_write_a_result_says_what_can() -> None:
    assert {"bencher", "asv", "openmetrics"} <= set(names_for("Report"))
    assert "asv" not in names_for("Check")
    with pytest.raises(UsageError, match="--format asv is for a report only; use terminal"):
        text_of(check(), "asv")
