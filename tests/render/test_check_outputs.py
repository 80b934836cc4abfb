"""One verdict in all its outputs: the same counts, and no name that does harm in any of them."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
import xmlschema
from checks import HOSTILE, check, first_check, hostile_check, mean, row
from golden import compare, written
from junitparser import JUnitXml, TestSuite
from markdown_it import MarkdownIt
from rich.cells import cell_len

from gilbench.model.errors import StudyError
from gilbench.model.explanation import Cause, Deviation, Explanation
from gilbench.model.results import Check, Known
from gilbench.render.check_page import COMMENT, headline
from gilbench.render.github import MOST, annotation
from gilbench.render.markdown import code
from gilbench.store.check import read_check

VERDICTS = ("regressed", "improved", "inconclusive", "equivalent")

# What readers of JUnit files agree on, in our words: the rules of Ant's schema for the elements that we write.
SCHEMA = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:simpleType name="moment"><xs:restriction base="xs:dateTime">
    <xs:pattern value="\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="name"><xs:restriction base="xs:token"><xs:minLength value="1"/></xs:restriction></xs:simpleType>
  <xs:complexType name="problem"><xs:simpleContent><xs:extension base="xs:string">
    <xs:attribute name="message" type="xs:string"/>
    <xs:attribute name="type" type="xs:string" use="required"/></xs:extension></xs:simpleContent></xs:complexType>
  <xs:complexType name="skipped"><xs:simpleContent><xs:extension base="xs:string">
    <xs:attribute name="message" type="xs:string"/></xs:extension></xs:simpleContent></xs:complexType>
  <xs:complexType name="property">
    <xs:attribute name="name" type="name" use="required"/>
    <xs:attribute name="value" type="xs:string" use="required"/></xs:complexType>
  <xs:complexType name="testcase">
    <xs:choice minOccurs="0">
      <xs:element name="skipped" type="skipped"/>
      <xs:element name="error" type="problem"/>
      <xs:element name="failure" type="problem"/></xs:choice>
    <xs:attribute name="name" type="xs:token" use="required"/>
    <xs:attribute name="classname" type="xs:token" use="required"/>
    <xs:attribute name="time" type="xs:decimal" use="required"/></xs:complexType>
  <xs:complexType name="testsuite">
    <xs:sequence>
      <xs:element name="properties"><xs:complexType><xs:sequence>
        <xs:element name="property" type="property" minOccurs="0" maxOccurs="unbounded"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="testcase" type="testcase" minOccurs="0" maxOccurs="unbounded"/>
      <xs:element name="system-out" type="xs:string"/>
      <xs:element name="system-err" type="xs:string"/></xs:sequence>
    <xs:attribute name="name" type="name" use="required"/>
    <xs:attribute name="timestamp" type="moment" use="required"/>
    <xs:attribute name="hostname" type="name" use="required"/>
    <xs:attribute name="tests" type="xs:int" use="required"/>
    <xs:attribute name="failures" type="xs:int" use="required"/>
    <xs:attribute name="errors" type="xs:int" use="required"/>
    <xs:attribute name="skipped" type="xs:int"/>
    <xs:attribute name="time" type="xs:decimal" use="required"/>
    <xs:attribute name="package" type="xs:token" use="required"/>
    <xs:attribute name="id" type="xs:int" use="required"/></xs:complexType>
  <xs:element name="testsuites"><xs:complexType><xs:sequence>
    <xs:element name="testsuite" type="testsuite" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>
"""
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def everything() -> Check:
    names = "countdown", "delivery"
    rows = [row(said, workload=name, threads=at) for at, said in enumerate(VERDICTS) for name in names]
    rows.append(mean())
    known = (Known(reason="issue 17", workload="delivery"), Known(reason="issue 18", threads=9))
    return check(*rows, known=known, failed=1, warnings=("only 3 blocks",))


def terminal(answer: Check, columns: int = 80) -> str:
    return written(answer, "terminal", columns)


def html(answer: Check) -> str:
    return str(MarkdownIt("commonmark").enable("table").render(written(answer, "markdown")))


@pytest.mark.parametrize("columns", [80, 160])
def test_the_page_is_written_as_before(columns: int, regenerate: bool) -> None:
    compare(f"check_{columns}.txt", terminal(everything(), columns), regenerate=regenerate)


def test_the_comment_is_written_as_before(regenerate: bool) -> None:
    compare("check.md", written(everything(), "markdown"), regenerate=regenerate)


@pytest.mark.parametrize("columns", [40, 80, 120, 160])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    for answer in (everything(), hostile_check()):
        assert max(map(cell_len, terminal(answer, columns).splitlines())) <= columns


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (everything(), "regressed: 1 of 8 comparisons; 1 case failed to run"),
        (check(row()), "pass: 0 of 1 comparison regressed, all are conclusive"),
        (
            check(row("inconclusive"), row()),
            "inconclusive: 0 of 2 comparisons regressed, 1 inconclusive",
        ),
        (
            check(row("regressed"), row("inconclusive"), known=(Known(reason="why"),)),
            "pass: 0 of 2 comparisons newly regressed, 2 known",
        ),
        (check(failed=2), "inconclusive: nothing was compared; 2 cases failed to run"),
        (check(row(), mean()), "pass: 0 of 1 comparison regressed, all are conclusive"),
        (check(mean()), "inconclusive: nothing was compared"),
        (first_check(), "no baseline yet: nothing was compared"),
        (first_check(failed=1), "no baseline yet: nothing was compared; 1 case failed to run"),
    ],
)
def test_the_headline_is_the_same_everywhere(answer: Check, said: str) -> None:
    assert headline(answer.gate) == said
    assert terminal(answer).endswith(f"{said}\n")
    for form in ("markdown", "github", "junit"):
        assert said in written(answer, form)


def test_the_terminal_shows_what_is_expected_with_its_reason() -> None:
    text = terminal(everything())
    assert "Known regressions: 1" in text
    assert "known: issue 17" in text
    assert "Fixed: remove from the known-bad list: 2" in text
    assert "known regression without a comparison: * on *, *, 9 threads (issue 18)" in text
    assert "only 3 blocks" in text


def test_programs_get_every_row_once_with_its_status() -> None:
    answer = everything()
    said = json.loads(written(answer, "json"))
    assert (said["verdict"], said["exit_code"], said["schema"]) == ("regressed", 1, 1)
    assert said["kind"] == "check"
    assert said["warnings"] == ["only 3 blocks"]
    assert said["caveats"] == [{"kind": "test", "text": "only 3 blocks", "subject": None, "next": None}]
    assert [(one["workload"], one["status"]) for one in said["comparisons"]] == [
        ("countdown", "regressed"),
        ("delivery", "known bad"),
        ("delivery", "recovered"),
        ("delivery", "recovered"),
        ("countdown", "improved"),
        ("countdown", "inconclusive"),
        ("delivery", "unsettled"),
        ("countdown", "equivalent"),
        ("family cpu", "summary"),
    ]
    assert said["comparisons"][1]["known_reason"] == "issue 17"
    assert said["failed"][0]["kind"] == "crash"
    assert said["unused_known_bad"][0]["reason"] == "issue 18"


# --- explanations ---------------------------------------------------------------------------------------


def explained(name: str, *causes: str) -> Check:
    told = Explanation(
        case=row(workload=name).case,
        rounds=4,
        causes=tuple(Cause(kind="function", text=text, share=0.9) for text in causes),
        changes=(
            Deviation(
                quantity="function", subject=name, unit="s", before=1e-3, after=2e-3, lo=0.8e-3, hi=None
            ),
            Deviation(quantity="memory", subject="", unit="B", before=1e6, after=2e6, lo=0.8e6, hi=1.2e6),
        ),
        missing=(name,),
    )
    return check(row("regressed", workload=name), row(), explanations=(told,))


def test_the_cause_of_a_regression_is_in_every_output(tmp_path: Path) -> None:
    answer = explained("parsing", "split (a.py:3) holds the GIL 2.1x as long")
    for form in ("terminal", "markdown", "github", "junit", "json"):
        assert "holds the GIL 2.1x as long" in written(answer, form).replace("\n", " "), form
    path = tmp_path / "check.json"
    path.write_text(written(answer, "json"), "utf-8")
    assert read_check(path).explanations == answer.explanations


def test_a_regression_without_a_cause_says_so() -> None:
    answer = explained("parsing")
    for form in ("terminal", "markdown"):
        assert "Nothing stands out between the observed runs of both sides." in written(answer, form)
    assert "; " not in next(line for line in written(answer, "github").splitlines() if "::error" in line)


def test_a_cause_from_a_bad_place_does_no_harm() -> None:
    answer = explained(HOSTILE, HOSTILE)
    for form in ("terminal", "markdown", "github", "junit"):
        text = written(answer, form)
        assert not {"\x1b", "\x00", "\r"} & set(text), form
    assert "<script>" not in MarkdownIt().render(written(answer, "markdown"))
    assert max(map(cell_len, terminal(answer, 80).splitlines())) <= 80
    assert len(JUnitXml.fromstring(written(answer, "junit").encode())) == 1


# --- no baseline ----------------------------------------------------------------------------------------


def test_without_a_baseline_every_output_has_the_next_step() -> None:
    answer, step = first_check(), "gilbench history add STUDY --database h.sqlite"
    for form in ("terminal", "markdown", "github", "junit", "json"):
        assert step in written(answer, form).replace("`", "").replace("\n", " "), form
    assert not written(answer, "github").startswith("::error")
    assert "Ratios are relative" not in terminal(answer)
    (suite,) = JUnitXml.fromstring(written(answer, "junit").encode())
    assert isinstance(suite, TestSuite)
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (1, 0, 0, 1)
    said = json.loads(written(answer, "json"))
    assert (said["verdict"], said["exit_code"], said["comparisons"]) == ("no baseline", 0, [])


@pytest.mark.parametrize(("failed", "strict", "code"), [(0, False, 0), (0, True, 3), (1, False, 4)])
def test_without_a_baseline_only_a_strict_check_or_a_failed_run_fails(
    failed: int, strict: bool, code: int
) -> None:
    assert first_check(strict=strict, failed=failed).exit_code == code


# --- Markdown -------------------------------------------------------------------------------------------


def test_markdown_is_a_table_and_folds_what_is_well() -> None:
    page = html(everything())
    assert page.count("<table>") == 8
    assert page.count("<details>") == page.count("</details>") == 5
    assert "<td>countdown</td>" in page


def test_a_long_list_is_folded() -> None:
    page = written(check(*(row("regressed", threads=number) for number in range(11))), "markdown")
    assert "<summary>Regressed: 11</summary>" in page


def test_a_page_fits_a_comment_and_says_what_is_cut() -> None:
    rows = [row("regressed", workload=f"{number}" * 60, threads=number) for number in range(2000)]
    page = written(check(*rows, row("improved"), failed=100, warnings=("w" * 400,) * 100), "markdown")
    assert len(page) <= COMMENT
    assert re.search(r"and \d+ more rows, omitted for lack of space", page)
    assert "gilbench check: regressed: 2000 of 2001" in page


@pytest.mark.parametrize(
    "text",
    ["", " ", "`", "``", "a`b", "`` ` ```", "a|b", "\\|", "a\\", "<script>", "@all", "&#124;", "[a](b)"],
)
def test_a_code_span_holds_any_text(text: str) -> None:
    page = str(
        MarkdownIt("commonmark").enable("table").render(f"| a | b |\n| - | - |\n| {code(text)} | 1 |\n")
    )
    (cell, one) = re.findall("<td>(.*?)</td>", page)
    assert one == "1"
    inside = re.fullmatch("<code>(.*)</code>", cell)
    assert inside
    assert "<" not in inside[1]


def test_hostile_names_stay_in_their_cells() -> None:
    answer = hostile_check()
    source, page = written(answer, "markdown"), html(answer)
    assert len(source) <= COMMENT
    assert "<script>" not in page
    for body in re.findall(r"<tbody>(.*?)</tbody>", page, re.DOTALL):
        for line in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL):
            assert line.count("<td") in {6, 7}
    outside = re.sub(r"<code>.*?</code>", "", page, flags=re.DOTALL)
    for harm in ("script", "@all", "https:", "#1", "error", "\x1b", "xxx"):
        assert harm not in outside
    assert not ILLEGAL.search(source)


# --- GitHub ---------------------------------------------------------------------------------------------


def test_annotations_are_graded() -> None:
    lines = written(everything(), "github").splitlines()
    said = "countdown on 3.13t, 0 threads: throughput x 0.900 (0.880-0.920), regressed"
    assert f"::error title=gilbench%3A Regressed::{said}" in lines
    levels = [line.split(" ")[0] for line in lines]
    assert levels.count("::error") == 2
    assert levels.count("::warning") == 4
    assert levels.count("::notice") == 3


def test_an_annotation_is_escaped() -> None:
    said = annotation("error", "a:b,c%\r\n", "100%: a,b\r\nc")
    assert said == "::error title=a%3Ab%2Cc%25%0D%0A::100%25: a,b%0D%0Ac\n"


def test_many_annotations_end_with_how_many_are_left() -> None:
    answer = check(*(row("regressed", threads=number) for number in range(30)))
    lines = written(answer, "github").splitlines()
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == MOST
    assert errors[-1].endswith("and 21 more: see the step summary")


def test_hostile_names_give_no_command() -> None:
    text = written(hostile_check(), "github")
    assert not [harm for harm in ("##[", "\x1b", "\r", "::error ::") if harm in text]
    shown = terminal(hostile_check(), 160)
    assert not [harm for harm in ("\x1b", "\r", "error]\n") if harm in shown]
    for line in written(hostile_check(), "github").splitlines():
        assert re.match(r"::(error|warning|notice) title=gilbench[^:,]*::", line)
        assert len(line) < 2000


# --- JUnit ----------------------------------------------------------------------------------------------


def test_junit_counts_what_failed_and_what_is_skipped() -> None:
    (suite,) = JUnitXml.fromstring(written(everything(), "junit").encode())
    assert isinstance(suite, TestSuite)
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (9, 1, 1, 3)
    tests = {(test.classname, test.name): test for test in suite}
    assert len(tests) == 9
    assert suite.timestamp == "2026-01-02T03:04:05"


@pytest.mark.parametrize(
    "answer", [everything(), check(), hostile_check(), check(row(), created="\x00"), first_check()]
)
def test_junit_keeps_to_the_schema(answer: Check) -> None:
    document = written(answer, "junit").encode()
    xmlschema.XMLSchema(SCHEMA).validate(io.BytesIO(document))


def test_the_schema_of_the_tests_refuses_what_is_wrong() -> None:
    schema = xmlschema.XMLSchema(SCHEMA)
    for wrong in (b' hostname="localhost"', b"<properties>", b' id="0"', b"T03:04:05"):
        document = (
            written(everything(), "junit")
            .encode()
            .replace(wrong, b"<x>" if wrong.startswith(b"<") else b"", 1)
        )
        document = document.replace(b"</properties>", b"</x>") if wrong == b"<properties>" else document
        assert not schema.is_valid(io.BytesIO(document))


def test_hostile_names_make_no_markup_in_junit() -> None:
    document = written(hostile_check(), "junit")
    assert not ILLEGAL.search(document)
    assert "]]>" not in document
    assert "<script" not in document
    (suite,) = JUnitXml.fromstring(document.encode())
    assert isinstance(suite, TestSuite)
    assert "<script>" in next(iter(suite)).classname


@pytest.mark.parametrize("form", ["terminal", "markdown", "github"])
def test_long_names_are_cut(form: str) -> None:
    assert "x" * 1000 not in written(hostile_check(), form)


def test_programs_read_hostile_names_whole() -> None:
    said = json.loads(written(hostile_check(), "json"))
    assert said["comparisons"][0]["workload"] == HOSTILE


def test_a_spreadsheet_gets_each_comparison_as_a_row_and_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(written(everything(), "csv"))))
    assert [(one["workload"], one["status"]) for one in rows][:2] == [
        ("countdown", "regressed"),
        ("delivery", "known bad"),
    ]
    assert rows[1]["known_reason"] == "issue 17"
    for line in csv.reader(io.StringIO(written(check(row(workload="=cmd()")), "csv"))):
        assert not [value for value in line if value.startswith("=")]


# --- read back ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        everything(),
        check(),
        check(row(parameters=(("main", "busy"),)), failed=2),
        check(
            row("inconclusive", reason="unpaired", paired=False),
            row("inconclusive", workload="sha256", reason="other host"),
        ),
        first_check(),
        first_check(strict=True),
        first_check(failed=2),
    ],
)
def test_a_check_is_read_back_as_it_was(answer: Check, tmp_path: Path) -> None:
    path = tmp_path / "check.json"
    path.write_text(written(answer, "json"), "utf-8")
    assert read_check(path) == answer


def test_a_hostile_check_is_read_back_too(tmp_path: Path) -> None:
    path = tmp_path / "check.json"
    path.write_text(
        written(check(row(workload=HOSTILE, reference=HOSTILE), against=HOSTILE), "json"), "utf-8"
    )
    assert read_check(path).against == HOSTILE


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "study"),
        ("schema", 2),
        ("verdict", "pass"),
        ("threshold", 5),
        ("fdr", 0),
        ("created", None),
        ("comparisons.status", "improved"),
        ("comparisons.status", "fine"),
        ("comparisons.status", []),
        ("comparisons.lo", 0.95),
        ("comparisons.ratio", -1),
        ("comparisons.blocks", -3),
        ("comparisons.threads", -1),
        ("comparisons.metric", "beauty"),
        ("comparisons.parameters", 3),
        ("failed.parameters", 3),
        ("failed.message", 1),
    ],
)
def test_an_impossible_check_is_refused(field: str, value: object, tmp_path: Path) -> None:
    document = json.loads(written(everything(), "json"))
    place, _, name = field.partition(".")
    (document[place][0] if name else document)[name or place] = value
    path = tmp_path / "check.json"
    path.write_text(json.dumps(document))
    with pytest.raises(StudyError, match=r"check\.json") as caught:
        read_check(path)
    assert len(str(caught.value).splitlines()) <= 2


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\xff"])
def test_a_file_that_is_no_check_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "check.json"
    path.write_text(text, "latin-1")
    with pytest.raises(StudyError, match=r"check\.json"):
        read_check(path)


def test_a_check_of_an_earlier_version_is_read_in_which_a_mean_decided(tmp_path: Path) -> None:
    document = json.loads(written(check(row(), mean()), "json"))
    document["verdict"] = document["comparisons"][1]["status"] = "regressed"
    document["exit_code"] = 1
    path = tmp_path / "check.json"
    path.write_text(json.dumps(document))
    answer = read_check(path)
    assert [one.is_mean for one in answer.gate.regressed] == [True]
    assert headline(answer.gate) == "regressed: 1 of 2 comparisons"


@pytest.mark.parametrize(
    ("answer", "verdict", "status"),
    [
        (check(row()), "no baseline", "equivalent"),  # there are rows
        (check(row()), "inconclusive", "summary"),  # it is no mean
        (check(), "pass", None),
        (first_check(), "pass", None),
    ],
)
def test_a_verdict_that_does_not_follow_from_the_rows_is_refused(
    answer: Check, verdict: str, status: str | None, tmp_path: Path
) -> None:
    document = json.loads(written(answer, "json"))
    document["verdict"] = verdict
    for one in document["comparisons"]:
        one["status"] = status
    path = tmp_path / "check.json"
    path.write_text(json.dumps(document))
    with pytest.raises(StudyError, match="contradicts the rows"):
        read_check(path)
