from __future__ import annotations

import io

import msgspec
from rich.console import Console
from studies import StudyBuilder, make_slice, make_workload, named

from gilbench.analyse.trial import Trial, trials
from gilbench.render.workloads import trials_table


def tried(builder: StudyBuilder) -> list[Trial]:
    study = builder.study()
    return list(trials(builder.workloads[0], study.header.plan, study.runs))


def test_a_workload_that_works_is_ok_with_its_checksum_and_length() -> None:
    builder = StudyBuilder([named("3.13")], [make_workload()])
    builder.work("countdown", "3.13", 10_000)
    (trial,) = tried(builder)
    assert (trial.outcome, trial.detail) == ("ok", "0")
    assert trial.operation is not None
    assert 2e-5 < trial.operation < 5e-4


def test_operations_that_are_too_short_or_too_long_are_said_to_be() -> None:
    builder = StudyBuilder([named("3.13"), named("3.12")], [make_workload()])
    builder.work("countdown", "3.13", 1e7)
    builder.work("countdown", "3.12", 10)
    assert [trial.outcome for trial in tried(builder)] == ["too short", "too long"]


def test_a_failure_counts_whatever_else_was_measured_and_unsupported_is_none() -> None:
    builder = StudyBuilder([named("3.13"), named("3.12")], [make_workload()])
    builder.fail(builder.work("countdown", "3.13", 1000), "checksum", "gave 1 instead of 0")
    builder.fail(builder.case("countdown", "3.12"), "unsupported", "no module named numpy")
    assert [(trial.outcome, trial.detail) for trial in tried(builder)] == [
        ("failed", "checksum: gave 1 instead of 0"),
        ("unsupported", "unsupported: no module named numpy"),
    ]


def test_a_case_without_a_slice_is_no_success() -> None:
    builder = StudyBuilder([named("3.13")], [make_workload()])
    builder.run(builder.case("countdown", "3.13"), 0, [], interrupted=True)
    assert [trial.outcome for trial in tried(builder)] == ["failed"]


def test_the_length_is_that_of_one_thread_where_threads_take_turns() -> None:
    builder = StudyBuilder([named("3.13")], [make_workload()])
    case = builder.case("countdown", "3.13", 2)
    both = make_slice(rate=10_000, threads=2)
    builder.run(case, 0, [msgspec.structs.replace(both, round=0)])
    (trial,) = tried(builder)
    assert trial.operation is not None
    assert abs(trial.operation - 2e-4) < 1e-6


def test_where_a_workload_works_is_said_the_shorter_way() -> None:
    names = ["3.11", "3.12", "3.13", "pypy3.9"]
    made = [
        Trial(
            workload="mine", interpreter=name, outcome="too short" if name == "pypy3.9" else "ok", detail="7"
        )
        for name in names
    ]
    console = Console(width=80, file=io.StringIO())
    console.print(trials_table(made))
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert "all but pypy3.9" in said
    assert "too short: pypy3.9" in said
    assert "mine on pypy3.9: 7" in said
