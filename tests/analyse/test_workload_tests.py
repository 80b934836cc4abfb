from __future__ import annotations

import msgspec
from studies import StudyBuilder, make_slice, make_workload, named

from gilbench.analyse.study.workload_tests import workload_tests
from gilbench.model.listings import WorkloadTest


def tried(builder: StudyBuilder) -> list[WorkloadTest]:
    study = builder.study()
    return list(workload_tests(builder.workloads[0], study.header.plan, study.runs))


def test_a_workload_that_works_is_ok_with_its_checksum_and_length() -> None:
    builder = StudyBuilder([named("3.13")], [make_workload()])
    builder.work("countdown", "3.13", 10_000)
    (found,) = tried(builder)
    assert (found.outcome, found.detail) == ("ok", "0")
    assert found.operation is not None
    assert 2e-5 < found.operation < 5e-4


def test_operations_that_are_too_short_or_too_long_are_said_to_be() -> None:
    builder = StudyBuilder([named("3.13"), named("3.12")], [make_workload()])
    builder.work("countdown", "3.13", 1e7)
    builder.work("countdown", "3.12", 10)
    assert [found.outcome for found in tried(builder)] == ["too short", "too long"]


def test_a_failure_counts_whatever_else_was_measured_and_unsupported_is_none() -> None:
    builder = StudyBuilder([named("3.13"), named("3.12")], [make_workload()])
    builder.fail(builder.work("countdown", "3.13", 1000), "checksum", "gave 1 instead of 0")
    builder.fail(builder.case("countdown", "3.12"), "unsupported", "no module named numpy")
    assert [(found.outcome, found.detail) for found in tried(builder)] == [
        ("failed", "checksum: gave 1 instead of 0"),
        ("unsupported", "unsupported: no module named numpy"),
    ]


def test_a_case_without_a_slice_is_no_success() -> None:
    builder = StudyBuilder([named("3.13")], [make_workload()])
    builder.run(builder.case("countdown", "3.13"), 0, [], interrupted=True)
    assert [found.outcome for found in tried(builder)] == ["failed"]


def test_the_length_is_that_of_one_thread_where_threads_take_turns() -> None:
    builder = StudyBuilder([named("3.13")], [make_workload()])
    case = builder.case("countdown", "3.13", 2)
    both = make_slice(rate=10_000, threads=2)
    builder.run(case, 0, [msgspec.structs.replace(both, round=0)])
    (found,) = tried(builder)
    assert found.operation is not None
    assert abs(found.operation - 2e-4) < 1e-6
