"""One verdict in all its outputs: the same counts, and no name that does harm in any of them."""

from __future__ import annotations

import io
import json
import re

import pytest
import xmlschema
from checks import HOSTILE, check, hostile_check, row
from junitparser import JUnitXml, TestSuite
from markdown_it import MarkdownIt
from rich.console import Console

from gilbench.render.check import Check, check_json, headline
from gilbench.render.check_markdown import LIMIT, code, render_check_markdown
from gilbench.render.check_terminal import render_check
from gilbench.render.github import MOST, annotation, render_annotations
from gilbench.render.guard import without_commands
from gilbench.render.junit import render_junit
from gilbench.store.known_bad import Known

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
    known = (Known(reason="issue 17", workload="delivery"), Known(reason="issue 18", threads=9))
    return check(*rows, known=known, failed=1, warnings=("only 3 blocks",))


def terminal(answer: Check) -> str:
    out = io.StringIO()
    render_check(answer, Console(file=out, width=100, highlight=False))
    return out.getvalue()


def html(answer: Check) -> str:
    return str(MarkdownIt("commonmark").enable("table").render(render_check_markdown(answer)))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (everything(), "regressed: 1 of 8 comparisons; 1 case failed to run"),
        (check(row()), "pass: none of 1 comparison regressed, all are decided"),
        (
            check(row("inconclusive"), row()),
            "inconclusive: none of 2 comparisons regressed, 1 cannot be decided",
        ),
        (check(failed=2), "inconclusive: nothing was compared; 2 cases failed to run"),
    ],
)
def test_the_headline_is_the_same_everywhere(answer: Check, said: str) -> None:
    assert headline(answer.gate) == said
    assert terminal(answer).endswith(f"{said}\n")
    assert said in render_check_markdown(answer)
    assert said in render_annotations(answer)
    assert said in render_junit(answer).decode()


def test_the_terminal_shows_what_is_expected_with_its_reason() -> None:
    text = terminal(everything())
    assert "Regressed, as is known: 1" in text
    assert "known: issue 17" in text
    assert "Well again" in text
    assert "! known to be bad, but not compared: * on *, *, 9 threads (issue 18)" in text
    assert "! only 3 blocks" in text


def test_programs_get_every_row_once_with_its_status() -> None:
    answer = everything()
    said = json.loads(check_json(answer))
    assert (said["verdict"], said["exit_code"], said["schema"]) == ("regressed", 0, 1)
    assert [(one["workload"], one["status"]) for one in said["comparisons"]] == [
        ("countdown", "regressed"),
        ("delivery", "known bad"),
        ("delivery", "recovered"),
        ("delivery", "recovered"),
        ("countdown", "improved"),
        ("countdown", "inconclusive"),
        ("delivery", "unsettled"),
        ("countdown", "equivalent"),
    ]
    assert said["comparisons"][1]["known_reason"] == "issue 17"
    assert said["failed"][0]["kind"] == "crash"
    assert said["unused_known_bad"][0]["reason"] == "issue 18"


# --- Markdown -------------------------------------------------------------------------------------------


def test_markdown_is_a_table_and_folds_what_is_well() -> None:
    page = html(everything())
    assert page.count("<table>") == 7
    assert page.count("<details>") == page.count("</details>") == 4
    assert "<td><code>countdown</code></td>" in page


def test_a_long_list_is_folded() -> None:
    page = render_check_markdown(check(*(row("regressed", threads=number) for number in range(11))))
    assert "<summary>Regressed: 11</summary>" in page


def test_a_page_fits_a_comment_and_says_what_is_cut() -> None:
    rows = [row("regressed", workload=f"{number}" * 60, threads=number) for number in range(2000)]
    page = render_check_markdown(check(*rows, row("improved"), failed=100, warnings=("w" * 400,) * 100))
    assert len(page) <= LIMIT
    assert re.search(r"and \d+ more, not shown here for want of room", page)
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
    source, page = render_check_markdown(answer), html(answer)
    assert len(source) <= LIMIT
    assert "<script>" not in page
    for body in re.findall(r"<tbody>(.*?)</tbody>", page, re.DOTALL):
        for line in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL):
            assert line.count("<td>") in {6, 7}
    outside = re.sub(r"<code>.*?</code>", "", page, flags=re.DOTALL)
    for harm in ("script", "@all", "https:", "#1", "error", "\x1b", "xxx"):
        assert harm not in outside
    assert not ILLEGAL.search(source)


# --- GitHub ---------------------------------------------------------------------------------------------


def test_annotations_are_graded() -> None:
    lines = render_annotations(everything()).splitlines()
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
    lines = render_annotations(
        check(*(row("regressed", threads=number) for number in range(30)))
    ).splitlines()
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == MOST
    assert errors[-1].endswith("and 21 more: see the step summary")


def test_hostile_names_give_no_command() -> None:
    for text in (render_annotations(hostile_check()), without_commands(terminal(hostile_check()))):
        assert not [harm for harm in ("##[", "\x1b", "\r", "::error ::") if harm in text]
    for line in render_annotations(hostile_check()).splitlines():
        assert re.match(r"::(error|warning|notice) title=gilbench[^:,]*::", line)
        assert len(line) < 2000


# --- JUnit ----------------------------------------------------------------------------------------------


def test_junit_counts_what_failed_and_what_is_skipped() -> None:
    (suite,) = JUnitXml.fromstring(render_junit(everything()))
    assert isinstance(suite, TestSuite)
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (9, 1, 1, 3)
    tests = {(test.classname, test.name): test for test in suite}
    assert len(tests) == 9
    assert suite.timestamp == "2026-01-02T03:04:05"


@pytest.mark.parametrize("answer", [everything(), check(), hostile_check(), check(row(), created="\x00")])
def test_junit_keeps_to_the_schema(answer: Check) -> None:
    document = render_junit(answer)
    xmlschema.XMLSchema(SCHEMA).validate(io.BytesIO(document))


def test_the_schema_of_the_tests_refuses_what_is_wrong() -> None:
    schema = xmlschema.XMLSchema(SCHEMA)
    for wrong in (b' hostname="localhost"', b"<properties>", b' id="0"', b"T03:04:05"):
        document = render_junit(everything()).replace(wrong, b"<x>" if wrong.startswith(b"<") else b"", 1)
        document = document.replace(b"</properties>", b"</x>") if wrong == b"<properties>" else document
        assert not schema.is_valid(io.BytesIO(document))


def test_hostile_names_make_no_markup_in_junit() -> None:
    document = render_junit(hostile_check()).decode()
    assert not ILLEGAL.search(document)
    assert "]]>" not in document
    assert "<script" not in document
    (suite,) = JUnitXml.fromstring(document.encode())
    assert isinstance(suite, TestSuite)
    assert "<script>" in next(iter(suite)).classname


@pytest.mark.parametrize("writer", [terminal, render_check_markdown, render_annotations])
def test_long_names_are_cut(writer: object) -> None:
    assert "x" * 1000 not in writer(hostile_check())  # type: ignore[operator]


def test_programs_read_hostile_names_whole() -> None:
    said = json.loads(check_json(hostile_check()))
    assert said["comparisons"][0]["workload"] == HOSTILE
