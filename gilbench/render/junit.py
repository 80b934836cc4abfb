"""Writes a check, or a profile held to limits, as JUnit XML, which most CI systems can read.

Each comparison is a test. It is *failed* if it regressed, *skipped* if it is inconclusive or a known regression, and
otherwise passed. Means over families are left out, since they do not decide. A case that failed to run is an *error*.
Without a baseline, one test is skipped, since some CI systems refuse a file without tests. A limit is a test, too. The
file conforms to the schemas of both Ant and Jenkins.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from gilbench.model.errors import UsageError
from gilbench.model.profile_results import LimitCheck, Limited
from gilbench.model.results import Check, FailedCase, Gate
from gilbench.plan.axes import variant
from gilbench.render.check_page import CheckRow, failure, headline, how_to_read, notes, sections
from gilbench.render.explanation_parts import why
from gilbench.render.figures import case_name, short, threads_name
from gilbench.render.guard import printable
from gilbench.render.limits_page import how_to_read_limits, limits_headline, sentence

if TYPE_CHECKING:
    from junitparser import TestCase, TestSuite


def write_junit(check: Check | LimitCheck, file: TextIO) -> None:
    """Write a check as one test suite.

    Raises:
        UsageError: The extra is not installed.
    """
    try:
        from junitparser import JUnitXml  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise UsageError(f"JUnit needs {error.name}: pip install 'gilbench[ci]'") from error

    document, out = JUnitXml(), io.BytesIO()
    document.add_testsuite(_of_limits(check) if isinstance(check, LimitCheck) else _of_check(check))
    document.write(out)
    file.write(f"{out.getvalue().decode()}\n")


def _of_check(check: Check) -> TestSuite:
    judged = [section for section in sections(check.gate) if section.status != "summary"]
    tests = [
        _test(row, section.status, why(check, item.comparison))
        for section in judged
        for row, item in zip(section.rows, section.items, strict=True)
    ]
    tests += [_error(failed) for failed in check.gate.failed]
    tests += [_skipped(check.gate)] if check.gate.verdict == "no baseline" else []
    lead = f"{headline(check.gate)}\n{printable(how_to_read(check))}"
    return _suite(check.gate.verdict, check.created, tests, lead, notes(check))


def _of_limits(check: LimitCheck) -> TestSuite:
    lead = f"{limits_headline(check)}\n{printable(how_to_read_limits(check))}"
    tests, warnings = [_limit(one) for one in check.results], [caveat.text for caveat in check.caveats]
    return _suite(check.verdict, "", tests, lead, warnings)


def _suite(
    verdict: str, created: str, tests: list[TestCase], lead: str, warnings: Sequence[str]
) -> TestSuite:
    from junitparser import TestSuite  # noqa: PLC0415 - an extra
    from junitparser.junitparser import SystemErr, SystemOut  # noqa: PLC0415 - an extra

    suite = TestSuite("gilbench check")
    suite.hostname = "localhost"  # the host's name is not disclosed
    suite.timestamp = _timestamp(created)
    for name, value in (("id", "0"), ("package", "gilbench")):
        suite._elem.set(name, value)  # noqa: SLF001 - Ant's schema requires it, junitparser does not know it
    suite.add_property("verdict", verdict)
    suite.add_testcases(tests)
    for part in (SystemOut(lead), SystemErr("\n".join(map(printable, warnings)))):
        suite.append(part)  # type: ignore[no-untyped-call]
    return suite


def _limit(one: Limited) -> TestCase:
    from junitparser import Failure, Skipped  # noqa: PLC0415 - an extra

    test = _case("profile", short(one.limit.text))
    if one.verdict == "exceeded":
        test.result = Failure(printable(sentence(one)), "exceeded")
    elif one.verdict == "inconclusive":
        test.result = Skipped(printable(sentence(one)))
    return test


def _test(row: CheckRow, status: str, cause: str) -> TestCase:
    from junitparser import Failure, Skipped  # noqa: PLC0415 - an extra

    test = _case(row.workload, f"{row.metric}, {row.interpreter}, {threads_name(row.threads)}")
    known, because = f"; known: {row.reason}" if row.reason else "", f"; {cause}" if cause else ""
    text = printable(f"{row.ratio} {row.verdict}{known}{because}")
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
