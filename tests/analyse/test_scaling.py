"""Whether calls scale, from studies whose speedups are known; and the speedups of two sessions compared."""

from __future__ import annotations

import msgspec
import pytest
from studies import DRIFT, StudyBuilder, make_slice, make_workload, named

from gilbench.analyse.scaling import judge_scaling, one_core_only
from gilbench.analyse.study.comparisons import compare_speedups
from gilbench.analyse.study.merge import merged
from gilbench.model.scaling import Scaling
from gilbench.model.study import Control, Cpu, Failure, Host, Noise, Study

BLOCKS = 6


def study(
    gain: float,
    *,
    name: str = "f",
    host: float | None = 2.0,
    throttled: float | None = None,
    spread: float = 0.01,
) -> Study:
    """A call on one thread and on two, on a host whose speed drifts."""
    builder = StudyBuilder([named("3.13")], [make_workload(name, "own")], blocks=BLOCKS)
    alone, two = builder.case(name, "3.13", 1), builder.case(name, "3.13", 2)
    for block in range(BLOCKS):
        noise = None if throttled is None else Noise(throttled=throttled)
        rate = 1000.0 * DRIFT[block]
        builder.run(alone, block, [make_slice(0, rate)], noise=noise)
        faster = rate * gain * (1 + spread * (-1) ** block * (block + 1) / BLOCKS)
        control = None if host is None else Control(speedup=host)
        builder.run(two, block, [make_slice(0, faster, threads=2)], noise=noise, control=control)
    return builder.study()


def disturbed(made: Study, share: float = 0.5) -> Study:
    """The same study, if other programs had taken a share of the CPU time of every second slice."""
    runs = tuple(
        msgspec.structs.replace(
            run,
            slices=tuple(
                msgspec.structs.replace(slice_, cpu=(1 - share * (run.block % 2)) * (slice_.cpu or 0.0))
                for slice_ in run.slices
            ),
        )
        for run in made.runs
    )
    return msgspec.structs.replace(made, runs=runs)


def judged(made: Study, at_least: float = 0.5) -> Scaling:
    return judge_scaling(made, made.header.plan.cases[1], "m:f", at_least)


@pytest.mark.parametrize(
    ("gain", "host", "at_least", "required", "answer"),
    [
        (1.9, 2.0, 0.5, 1.5, "yes"),
        (1.0, 2.0, 0.5, 1.5, "no"),
        (1.9, 2.0, 1.0, 2.0, "no"),
        (1.6, 1.6, 0.8, 1.48, "yes"),  # threads on two CPUs that are not two whole cores
        (1.4, 3.9, 0.5, 2.45, "no"),
        (1.5, 2.0, 0.5, 1.5, "undecided"),
    ],
)
def test_the_required_speedup_is_a_share_of_what_the_host_gains(
    gain: float, host: float, at_least: float, required: float, answer: str
) -> None:
    found = judged(study(gain, host=host), at_least)
    assert found.answer == answer
    assert found.required == pytest.approx(required)
    assert found.speedup == pytest.approx(gain, rel=0.02)
    assert found.lo is not None
    assert found.hi is not None
    assert found.lo <= gain <= found.hi
    assert found.seconds == pytest.approx(0.001, rel=1)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (study(1.0, host=1.2), "hardly more than one core"),
        (study(1.0, host=None), "could not be measured"),
        (study(1.0, throttled=0.5), "quota"),
    ],
)
def test_a_host_that_cannot_tell_has_no_verdict(made: Study, words: str) -> None:
    found = judged(made)
    assert found.answer == "n/a"
    assert words in (found.remark or "")


def test_noise_around_the_limit_is_undecided() -> None:
    found = judged(study(1.7, spread=0.5))
    assert (found.answer, "includes the limit" in (found.remark or "")) == ("undecided", True)


def test_a_busy_host_is_no_reason_to_fail_a_call() -> None:
    found = judged(disturbed(study(1.1)))
    assert (found.answer, "other programs" in (found.remark or "")) == ("undecided", True)
    assert judged(disturbed(study(1.9))).answer == "yes"
    assert judged(disturbed(study(1.1), share=0.01)).answer == "no"  # hardly any
    before, now = study(1.9), study(1.1)
    assert [row.verdict for row in compare_speedups(before, now)] == ["regressed"]
    for pair in ((disturbed(before), now), (before, disturbed(now))):
        assert [(row.verdict, row.reason) for row in compare_speedups(*pair)] == [
            ("inconclusive", "busy host")
        ]


def test_a_call_that_sleeps_is_not_disturbed() -> None:
    made = study(1.0)
    slept = msgspec.structs.replace(
        made,
        runs=tuple(
            msgspec.structs.replace(
                run,
                slices=tuple(
                    msgspec.structs.replace(slice_, cpu=0.0001 * (1 + run.block % 2)) for slice_ in run.slices
                ),
            )
            for run in made.runs
        ),
    )
    assert judged(slept).answer == "no"


def test_a_call_that_fails_on_several_threads_says_why() -> None:
    made = study(2.0)
    failed = Failure(kind="call", message="ValueError raised: two at once")
    runs = tuple(
        msgspec.structs.replace(run, slices=(), failure=failed) if run.case == 1 else run for run in made.runs
    )
    found = judged(msgspec.structs.replace(made, runs=runs))
    assert (found.answer, found.remark) == ("failed", failed.message)


def test_one_thread_is_only_measured() -> None:
    made = study(2.0)
    found = judge_scaling(made, made.header.plan.cases[0], "m:f", 0.5)
    assert (found.answer, found.speedup, found.seconds is not None) == ("n/a", None, True)


def test_one_core_is_told_with_its_reason() -> None:
    host = study(1.0).header.host
    siblings = (Cpu(number=0, core=0), Cpu(number=1, core=0))
    assert one_core_only(host) is None
    one = {"cores": 1, "cpus": siblings[:1]}
    assert one_core_only(msgspec.structs.replace(host, **one)) == "only one core is available"
    assert "siblings" in (one_core_only(msgspec.structs.replace(host, cores=1, cpus=siblings)) or "")
    limited: Host = msgspec.structs.replace(host, **one, quota=1.5)
    assert "within the quota" in (one_core_only(limited) or "")


def test_sessions_are_compared_by_their_speedups_whatever_the_host_did_meanwhile() -> None:
    before = merged([study(1.9, name="same"), study(1.9, name="worse"), study(1.0, name="better")])
    now = merged([study(1.0, name="worse"), study(1.9, name="better"), study(1.9, name="same", spread=0.011)])
    found = {row.case.workload: row for row in compare_speedups(before, now)}
    assert {name: row.verdict for name, row in found.items()} == {
        "worse": "regressed",
        "better": "improved",
        "same": "equivalent",
    }
    assert {row.metric for row in found.values()} == {"speedup"}
    other = msgspec.structs.replace(
        now.header, host=msgspec.structs.replace(now.header.host, cpu_model="Other")
    )
    rows = compare_speedups(before, msgspec.structs.replace(now, header=other))
    assert {row.reason for row in rows} == {"other host"}


def test_a_merged_study_keeps_each_run_with_its_case() -> None:
    one, two = study(1.9, name="one"), study(1.0, name="two")
    twice = merged([one, two])
    assert [case.workload for case in twice.header.plan.cases] == ["one", "one", "two", "two"]
    assert len(twice.runs) == len(one.runs) + len(two.runs)
    for name, gain in (("one", 1.9), ("two", 1.0)):
        case = next(c for c in twice.header.plan.cases if (c.workload, c.threads) == (name, 2))
        assert judge_scaling(twice, case, name, 0.5).speedup == pytest.approx(gain, rel=0.02)


def test_two_interpreters_of_one_name_stay_apart() -> None:
    one, two = study(1.9, name="one"), study(1.0, name="two")
    other = msgspec.structs.replace(two.header.interpreters[0], executable="/other/python")
    two = msgspec.structs.replace(two, header=msgspec.structs.replace(two.header, interpreters=(other,)))
    header = merged([one, two]).header
    assert [interpreter.executable for interpreter in header.interpreters] == ["/fake/3.13", "/other/python"]
    assert [case.interpreter for case in header.plan.cases] == ["3.13", "3.13", "3.13 (2)", "3.13 (2)"]
