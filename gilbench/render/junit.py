"""A check as JUnit XML, which the readers of most CIs understand.

Each comparison is a test: *failed* where it regressed, *skipped* where it is inconclusive or known to be bad,
else passed; a case that could not be run is an *error*. The file keeps to what the schemas of Ant and of
Jenkins have in common. Only characters of XML 1.0 get into it, for a name is printable in all outputs.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gilbench.axes import variant
from gilbench.render.check import Check, Line, failure, headline, notes, promise, sections, short, threads
from gilbench.render.figures import case_name

if TYPE_CHECKING:
    from junitparser import TestCase


def render_junit(check: Check) -> bytes:
    """Write a check as a file of one test suite."""
    from junitparser import Error, Failure, JUnitXml, Skipped, TestSuite  # noqa: PLC0415 - an extra
    from junitparser.junitparser import SystemErr, SystemOut  # noqa: PLC0415 - an extra

    tests = []
    for section in sections(check.gate):
        for line in section.lines:
            test, text = _test(line.workload, _name(line)), f"{line.ratio} {line.verdict}"
            if section.status == "regressed":
                test.result = Failure(text, "regressed")
            elif section.status in {"known bad", "unsettled"}:
                test.result = Skipped(f"{text}; known: {line.reason}")
            elif section.status == "inconclusive":
                test.result = Skipped(text)
            tests.append(test)
    for failed in check.gate.failed:
        case = failed.case
        workload = short(case_name(case.workload, case.parameters))
        test = _test(workload, f"{short(variant(case))}, {threads(case.threads)}")
        test.result = Error(failure(failed), short(failed.failure.kind))
        tests.append(test)
    suite = TestSuite("gilbench check")
    suite.hostname = "localhost"  # which host it was is nobody's business
    suite.timestamp = _timestamp(check.created)
    for name, value in (("id", "0"), ("package", "gilbench")):
        suite._elem.set(name, value)  # noqa: SLF001 - wanted by Ant's schema, not known to junitparser
    suite.add_property("verdict", check.gate.verdict)
    suite.add_testcases(tests)
    for part in (
        SystemOut(f"{headline(check.gate)}\nRatios to {short(check.against)}. {promise(check)}"),
        SystemErr("\n".join(notes(check))),
    ):
        suite.append(part)  # type: ignore[no-untyped-call]
    document = JUnitXml()
    document.add_testsuite(suite)
    out = io.BytesIO()
    document.write(out)
    return out.getvalue() + b"\n"


def _test(workload: str, name: str) -> TestCase:
    from junitparser import TestCase  # noqa: PLC0415 - an extra

    return TestCase(name, f"gilbench.{workload}", 0.0)


def _name(line: Line) -> str:
    return f"{line.metric}, {line.interpreter}, {threads(line.threads)}"


def _timestamp(created: str) -> str:
    """In UTC and without a zone, as the schema wants it."""
    try:
        moment = datetime.fromisoformat(created)
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return "1970-01-01T00:00:00"
