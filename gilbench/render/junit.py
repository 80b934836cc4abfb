"""Writes a check as JUnit XML, which most CI systems can read.

Each comparison is a test. It is *failed* if it regressed, *skipped* if it is inconclusive or a known regression, and
otherwise passed. Means over families are left out, since they do not decide. A case that failed to run is an *error*.
Without a baseline, one test is skipped, since some CI systems refuse a file without tests. The file conforms to the
schemas of both Ant and Jenkins.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from gilbench.model.errors import UsageError
from gilbench.model.results import Check, FailedCase, Gate
from gilbench.plan.axes import variant
from gilbench.render.check_page import CheckRow, failure, headline, how_to_read, notes, sections
from gilbench.render.figures import case_name, short, threads_name
from gilbench.render.guard import printable

if TYPE_CHECKING:
    from junitparser import TestCase


def write_junit(check: Check, file: TextIO) -> None:
    """Write a check as one test suite.

    Raises:
        UsageError: The extra is not installed.
    """
    try:
        from junitparser import JUnitXml, TestSuite  # noqa: PLC0415 - an extra
        from junitparser.junitparser import SystemErr, SystemOut  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise UsageError(f"JUnit needs {error.name}: pip install 'gilbench[ci]'") from error

    suite = TestSuite("gilbench check")
    suite.hostname = "localhost"  # the host's name is not disclosed
    suite.timestamp = _timestamp(check.created)
    for name, value in (("id", "0"), ("package", "gilbench")):
        suite._elem.set(name, value)  # noqa: SLF001 - Ant's schema requires it, junitparser does not know it
    suite.add_property("verdict", check.gate.verdict)
    judged = [section for section in sections(check.gate) if section.status != "summary"]
    suite.add_testcases(
        [_test(row, section.status) for section in judged for row in section.rows]
        + [_error(failed) for failed in check.gate.failed]
        + ([_skipped(check.gate)] if check.gate.verdict == "no baseline" else [])
    )
    for part in (
        SystemOut(f"{headline(check.gate)}\n{printable(how_to_read(check))}"),
        SystemErr("\n".join(map(printable, notes(check)))),
    ):
        suite.append(part)  # type: ignore[no-untyped-call]
    document, out = JUnitXml(), io.BytesIO()
    document.add_testsuite(suite)
    document.write(out)
    file.write(f"{out.getvalue().decode()}\n")


def _test(row: CheckRow, status: str) -> TestCase:
    from junitparser import Failure, Skipped  # noqa: PLC0415 - an extra

    test = _case(row.workload, f"{row.metric}, {row.interpreter}, {threads_name(row.threads)}")
    text = printable(f"{row.ratio} {row.verdict}{f'; known: {row.reason}' if row.reason else ''}")
    if status == "regressed":
        test.result = Failure(text, "regressed")
    elif status in {"known bad", "unsettled", "inconclusive"}:
        test.result = Skipped(text)
    return test


def _skipped(gate: Gate) -> TestCase:
    from junitparser import Skipped  # noqa: PLC0415 - an extra

    test = _case("check", "baseline")
    test.result = Skipped(headline(gate))
    return test


def _error(failed: FailedCase) -> TestCase:
    from junitparser import Error  # noqa: PLC0415 - an extra

    case = failed.case
    name = f"{short(variant(case))}, {threads_name(case.threads)}"
    test = _case(short(case_name(case.workload, case.parameters)), name)
    test.result = Error(printable(failure(failed)), printable(short(failed.failure.kind)))
    return test


def _case(workload: str, name: str) -> TestCase:
    from junitparser import TestCase  # noqa: PLC0415 - an extra

    return TestCase(printable(name), f"gilbench.{printable(workload)}", 0.0)


def _timestamp(created: str) -> str:
    """Return a date in UTC without a zone, as the schema requires."""
    try:
        moment = datetime.fromisoformat(created)
        return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return "1970-01-01T00:00:00"
