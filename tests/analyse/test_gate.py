"""The gate: what is expected does not fail it, what is new does, and nothing is never a pass."""

from __future__ import annotations

import math
import random
from pathlib import Path

import msgspec
import pytest
from checks import row
from studies import StudyBuilder, make_workload, named, save

from gilbench.analyse.study.gate import (
    JUDGEABLE,
    JUDGED,
    decide,
    exit_code,
    failed_cases,
    not_measured,
)
from gilbench.analyse.study.past import METRICS_KEPT, compare_past, present_level
from gilbench.model.metrics import METRICS
from gilbench.model.results import Cell, FailedCase, Gate, Known
from gilbench.model.study import Case, Failure, Study
from gilbench.store.history import History
from gilbench.store.past import read_past

LIMITS = {"threshold": 0.02, "fdr": 0.05}
COUNTDOWN = Known(reason="issue 1", workload="countdown")


def lengths(gate: Gate) -> dict[str, int]:
    lists = {name: getattr(gate, name) for name in Gate.__struct_fields__ if name != "verdict"}
    return {name: len(rows) for name, rows in lists.items() if rows}


@pytest.mark.parametrize(
    ("verdicts", "known", "said", "lists"),
    [
        (["equivalent", "improved"], (), "pass", {"equivalent": 1, "improved": 1}),
        (["equivalent", "regressed"], (), "regressed", {"equivalent": 1, "regressed": 1}),
        (["regressed", "inconclusive"], (), "regressed", {"regressed": 1, "inconclusive": 1}),
        (["equivalent", "inconclusive"], (), "inconclusive", {"equivalent": 1, "inconclusive": 1}),
        (["regressed"], (COUNTDOWN,), "pass", {"known_bad": 1}),
        (["improved", "equivalent"], (COUNTDOWN,), "pass", {"recovered": 2}),
        (["inconclusive"], (COUNTDOWN,), "pass", {"unsettled": 1}),
        ([], (COUNTDOWN,), "inconclusive", {"unused": 1}),
        ([], (), "inconclusive", {}),
    ],
)
def test_every_row_stands_in_one_list_and_the_verdict_follows(
    verdicts: list[str], known: tuple[Known, ...], said: str, lists: dict[str, int]
) -> None:
    gate = decide([row(verdict) for verdict in verdicts], known)
    assert gate.verdict == said
    assert lengths(gate) == lists


def test_a_known_row_excuses_itself_alone() -> None:
    gate = decide([row("regressed"), row("regressed", threads=4)], [Known(reason="why", threads=4)])
    assert gate.verdict == "regressed"
    assert [one.case.threads for one in gate.regressed] == [2]
    assert [(one.comparison.case.threads, one.reason) for one in gate.known_bad] == [(4, "why")]


def test_the_first_known_row_gives_the_reason() -> None:
    gate = decide([row("regressed")], [Known(reason="first", threads=2), COUNTDOWN])
    assert [one.reason for one in gate.known_bad] == ["first"]
    assert gate.unused == ()


def test_what_could_not_be_measured_is_no_pass() -> None:
    failed = FailedCase(
        case=Case(workload="countdown", interpreter="3.13t", threads=1),
        failure=Failure(kind="crash", message="ended by SIGSEGV"),
    )
    assert decide([row()], failed=[failed]).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("verdict", "failures", "strict", "code"),
    [
        ("equivalent", 0, True, 0),
        ("regressed", 1, True, 1),
        ("equivalent", 1, False, 4),
        ("inconclusive", 0, False, 0),
        ("inconclusive", 0, True, 3),
    ],
)
def test_the_exit_code_follows_from_the_verdict(verdict: str, failures: int, strict: bool, code: int) -> None:
    failure = Failure(kind="crash", message="ended by SIGSEGV")
    failed = [FailedCase(case=row().case, failure=failure)] * failures
    assert exit_code(decide([row(verdict)], failed=failed), strict=strict) == code


def test_what_is_judged_has_a_better_direction() -> None:
    assert set(JUDGED) <= set(JUDGEABLE)
    assert set(METRICS_KEPT) <= set(JUDGEABLE)
    assert all(METRICS[name].better != "neither" for name in JUDGEABLE)
    assert "cpu_utilisation" not in JUDGEABLE


def study(rate: float = 800.0, *, host: float = 1.0, threads: tuple[int, ...] = (1, 2)) -> Study:
    """Two interpreters on a host of some speed; the second one does ``rate``, the reference 1000."""
    builder = StudyBuilder([named("3.13"), named("3.13t", free_threaded=True)], [make_workload()])
    for count in threads:
        builder.work("countdown", "3.13", 1000.0 * host, threads=count)
        noise = (1.002, 1.009, 0.992, 1.001)
        builder.work("countdown", "3.13t", rate * host, threads=count, noise=noise)
    return builder.study()


def test_a_failed_case_is_told_once_and_what_is_unsupported_not_at_all() -> None:
    builder = StudyBuilder([named("3.13")], [make_workload()])
    for number, kind in enumerate(("crash", "timeout", "unsupported")):
        case = builder.case("countdown", "3.13", number + 1)
        builder.fail(case, kind)
        builder.fail(case, kind)
    assert [one.case.threads for one in failed_cases(builder.study())] == [1, 2]


def test_what_the_baseline_had_and_the_candidate_lacks_is_named() -> None:
    missing = not_measured(study(threads=(1, 2)), study(threads=(1,)))
    assert {(case.interpreter, case.threads) for case in missing} == {("3.13", 2), ("3.13t", 2)}


# --- the history as a baseline --------------------------------------------------------------------------


def cell(value: float, threads: int = 1, **changes: object) -> Cell:
    plain = Cell(
        case=Case(workload="countdown", interpreter="3.13t", threads=threads),
        family="cpu",
        metric="relative",
        unit="x",
        better="higher",
        value=value,
        lo=value * 0.995,
        hi=value * 1.005,
        blocks=8,
    )
    return msgspec.structs.replace(plain, **changes)


def series(count: int, level: float = 0.8, sd: float = 0.01, seed: int = 1) -> list[float]:
    rng = random.Random(seed)
    return [level * math.exp(rng.gauss(0, sd)) for _ in range(count)]


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.8, "equivalent"), (0.72, "regressed"), (0.88, "improved"), (0.785, "inconclusive")],
)
def test_a_study_is_judged_by_the_spread_of_those_before_it(value: float, verdict: str) -> None:
    (said,) = compare_past([(cell(value), series(20, sd=0.005))], **LIMITS)
    assert said.verdict == verdict
    assert said.reference == "history"
    assert said.ratio == pytest.approx(value / 0.8, rel=0.01)


@pytest.mark.parametrize("values", [[], [0.8], [0.8, 0.81], [0.8] * 20, [math.inf] * 20, [0.0] * 20])
def test_too_little_history_decides_nothing(values: list[float]) -> None:
    (said,) = compare_past([(cell(0.4), values)], **LIMITS)
    assert said.verdict == "inconclusive"
    assert said.reason in {"too few studies", "zero variance"}
    assert said.blocks_needed is None


@pytest.mark.parametrize("value", [0.0, math.inf, math.nan])
def test_a_value_without_a_logarithm_decides_nothing(value: float) -> None:
    (said,) = compare_past([(cell(value, lo=None, hi=None), series(20))], **LIMITS)
    assert (said.verdict, said.ratio) == ("inconclusive", None)


def test_only_the_present_level_counts() -> None:
    values = [*series(30, 0.8), *series(30, 0.7, seed=2)]
    (said,) = compare_past([(cell(0.7), values)], **LIMITS)
    assert said.verdict != "regressed"
    assert said.ratio == pytest.approx(1.0, rel=0.01)
    assert len(present_level([math.log(value) for value in values])) <= 30


def test_a_noisy_study_is_not_trusted_more_than_its_own_blocks() -> None:
    (sure,) = compare_past([(cell(0.75), series(20, sd=0.004))], **LIMITS)
    (unsure,) = compare_past([(cell(0.75, lo=0.65, hi=0.86), series(20, sd=0.004))], **LIMITS)
    assert (sure.verdict, unsure.verdict) == ("regressed", "inconclusive")


def test_false_alarms_of_the_history_are_rare_and_losses_are_found() -> None:
    same = [(cell(values.pop()), values) for values in (series(13, seed=seed) for seed in range(300))]
    alarms = [said.verdict for said in compare_past(same, **LIMITS)]
    assert alarms.count("regressed") + alarms.count("improved") <= 3
    lost = [(cell(one.value * 0.93), values) for one, values in same]
    assert [said.verdict for said in compare_past(lost, **LIMITS)].count("regressed") >= 200


def test_the_past_is_of_the_same_cpu_and_reference_and_not_of_the_study_itself(tmp_path: Path) -> None:
    now = study()
    other_cpu = msgspec.structs.replace(
        now.header, host=msgspec.structs.replace(now.header.host, cpu_model="Other CPU")
    )
    build = msgspec.structs.replace(now.header.interpreters[0].build, version="3.13.6")
    other_reference = msgspec.structs.replace(
        now.header,
        interpreters=(
            msgspec.structs.replace(now.header.interpreters[0], build=build),
            *now.header.interpreters[1:],
        ),
    )
    with History(tmp_path / "history.sqlite", create=True) as history:
        for number, header in enumerate((now.header, now.header, other_cpu, other_reference, now.header)):
            history.add(header, [cell(0.8 + number / 100)], str(number), branch="main" if number else "side")
        known, unknown = read_past(history, now.header, [cell(0.8), cell(0.8, threads=7)], "4")
        assert known.values == (0.8, 0.81)
        assert known.left_out == 3
        assert unknown == ((), 0)
        assert read_past(history, now.header, [cell(0.8)], "4", "main")[0].values == (0.81,)


def test_a_study_can_be_saved_for_the_command(tmp_path: Path) -> None:
    assert save(study(), tmp_path / "a.jsonl").exists()
