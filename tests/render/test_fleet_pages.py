"""Pages of studies that several hosts measured."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import msgspec
import pytest
from golden import compare, written
from host_studies import EPYC, as_fleet, countdowns, on_host, two_kinds
from html_pages import HtmlPage
from rich.cells import cell_len

from gilbench.analyse.study.caveats import caveats
from gilbench.analyse.study.comparisons import compare_interpreters
from gilbench.analyse.study.gate import decide
from gilbench.analyse.study.report import build_report
from gilbench.model.documents import CheckDocument, ComparisonDocument, ReportDocument
from gilbench.model.metrics import METRICS
from gilbench.model.results import Check, Comparisons, Report
from gilbench.model.study import Study
from gilbench.store.check import read_check
from gilbench.work.compare import Limits, by_host

WIDTHS = (80, 160)


def compared(study: Study) -> Comparisons:
    rows = compare_interpreters(study)
    hosts = by_host(study, rows, Limits(), list(METRICS))
    return Comparisons(rows=rows, caveats=caveats(study), threshold=0.02, fdr=0.05, hosts=hosts)


def checked(study: Study) -> Check:
    found = compared(study)
    return Check(
        gate=decide(found.rows),
        created=study.header.created,
        against="3.13",
        caveats=found.caveats,
        threshold=0.02,
        fdr=0.05,
        hosts=found.hosts,
    )


def rows_of(result: object) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(written(result, "csv"))))


@pytest.mark.parametrize("columns", WIDTHS)
def test_pages_of_a_fleet_are_written_as_before(columns: int, regenerate: bool) -> None:
    study = two_kinds()
    for name, result in (
        ("study", build_report(study)),
        ("comparisons", compared(study)),
        ("check", checked(study)),
    ):
        text = written(result, "terminal", columns)
        assert max(cell_len(line) for line in text.splitlines()) <= columns
        compare(f"fleet_{name}_{columns}.txt", text, regenerate=regenerate)


def test_the_rows_of_a_host_are_marked_in_csv() -> None:
    report, comparisons = build_report(two_kinds()), compared(two_kinds())
    for found, over in ((rows_of(report), report.cells), (rows_of(comparisons), comparisons.rows)):
        assert [row for row in found if not row["host"]] == found[: len(over)]
        assert {row["hosts"] for row in found[: len(over)]} == {"5"}
        assert {(row["host"], row["host_kind"]) for row in found[len(over) :]} == {
            *((name, "AMD EPYC 7B13, 8 cores") for name in ("east", "north", "west")),
            *((name, "Intel Xeon E-2336, 2 cores, kvm") for name in ("south", "attic")),
        }


def test_documents_of_a_fleet_have_their_types() -> None:
    study = two_kinds()
    for result, form in (
        (build_report(study), ReportDocument),
        (compared(study), ComparisonDocument),
        (checked(study), CheckDocument),
    ):
        text = written(result, "json")
        msgspec.json.decode(text.encode(), type=form, strict=True)
        document = json.loads(text)
        main = document["cells" if form is ReportDocument else "comparisons"]
        assert {row["host"] for row in main} == {None}
        assert document["host_kinds"][0]["label"] == "AMD EPYC 7B13, 8 cores"


def test_rows_of_ordinary_studies_have_no_fields_about_hosts() -> None:
    alone: Report = build_report(countdowns(1.1))
    document = json.loads(written(alone, "json"))
    assert not {"host", "hosts", "spread", "host_kind"} & document["cells"][0].keys()
    assert not {"hosts", "host_cells", "host_kinds"} & document.keys()
    assert "By host" not in written(alone, "terminal")


def test_a_saved_check_of_a_fleet_is_read_as_it_was_written(tmp_path: Any) -> None:
    check = checked(two_kinds())
    path = tmp_path / "check.json"
    path.write_text(written(check, "json"), "utf-8")
    read = read_check(path)
    assert check.hosts is not None
    assert read.hosts is not None
    assert (read.hosts.kinds, read.hosts.rows) == (check.hosts.kinds, check.hosts.rows)
    assert written(read, "terminal") == written(check, "terminal")


def test_html_has_a_table_by_host_and_escapes_names() -> None:
    hostile = "<script>alert(1)</script>"
    names = {hostile: EPYC, "north": EPYC, "west": {**EPYC, "cpu_model": "<b>Evil</b>"}}
    study = as_fleet({name: on_host(countdowns(1.1), **facts) for name, facts in names.items()})
    for result in (build_report(study), compared(study), checked(study)):
        text = written(result, "html")
        assert hostile not in text
        assert "<b>Evil" not in text
        page = HtmlPage(text)
        assert any("".join(element.text).strip() == hostile for element in page.elements)


def test_many_hosts_are_cut_in_tables_but_not_in_csv() -> None:
    study = as_fleet({f"host{number}": countdowns(1.1, seed=number) for number in range(40)})
    report = build_report(study)
    text = written(report, "terminal")
    assert "10 more hosts: --format csv has all" in text
    assert "host29" in text.partition("By host")[2]
    assert "host30" not in text.partition("By host")[2].partition("Findings")[0]
    assert {row["host"] for row in rows_of(report)} == {"", *(f"host{number}" for number in range(40))}
