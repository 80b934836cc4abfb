"""Each claim's verdict from studies in which it is known beforehand."""

from __future__ import annotations

import math

import msgspec
import pytest
from scored import JYTHON, KNOWN, NEW, OLD, PY27, PY311, PY313, PY313T, PYPY39, Truth, claims_study, truth_of
from studies import named

from gilbench.analyse.claims import all_claims, claim_cases, claim_scores
from gilbench.model.scores import COLUMNS, Score, flat
from gilbench.model.study import Case, Control, Failure, Noise, Reading, Run, Share, Study

SEVEN = (PY27, PY311, PY313, PY313T, PYPY39, JYTHON)
NAMES = ("2.7", "3.11", "3.13", "3.13t GIL on", "3.13t GIL off", "pypy3.9", "jython2.7")
# By column, in the order of NAMES: h holds, d does not hold, - not here.
EXPECTED = {
    "1": "hhhhdhd",
    "1.countdown": "hhhhdhd",
    "1.pidigits": "hhhhdhd",
    "2": "hhhhhhh",
    "2.sleep": "hhhhhhh",
    "2.numpy_matmul": "hhhhhhh",
    "3": "hhhhdhd",
    "3.threads": "hhhhdhd",
    "3.cores": "hddddhd",
    "4": "hdddddd",
    "5": "hdddhhh",
    "5.echo": "hdddhhh",
    "5.computing": "hddd-h-",
    "6": "hhhhddd",
    "6.late": "dhhhddd",
    "6.lost": "dhhhddd",
    "6.join": "hdddddd",
    "6.c_call": "hhhhhhh",
    "7": "hhhhdhd",
    "7.compute": "hhhhdhd",
    "7.release": "hhhhhhh",
    "8": "-----hh",
    "8.free": "------h",
    "8.locked": "-----h-",
    "8.tasklets": "-----h-",
    "9": "-hhh---",
    "9.threads": "-hhh---",
    "9.join": "-hhh---",
    "9.echo": "-hhh---",
    "9.signals": "-hhh---",
}
WORDS = {"h": "holds", "d": "does not hold", "-": "not here"}


def scaled(run: Run, factor: float) -> Run:
    """A run whose process is faster by a factor, in every slice."""
    slices = tuple(msgspec.structs.replace(one, operations=one.operations * factor) for one in run.slices)
    return msgspec.structs.replace(run, slices=slices)


@pytest.fixture(scope="module")
def scores() -> dict[tuple[str, str], Score]:
    return by_place(claims_study(SEVEN))


def by_place(study: Study) -> dict[tuple[str, str], Score]:
    return {(score.id, score.interpreter): score for score in claim_scores(study)}


@pytest.mark.parametrize("claim", EXPECTED)
def test_a_claim_has_the_verdict_that_its_figures_leave_no_doubt_about(
    scores: dict[tuple[str, str], Score], claim: str
) -> None:
    seen = {name: scores[claim, name].verdict for name in NAMES}
    assert seen == dict(zip(NAMES, (WORDS[letter] for letter in EXPECTED[claim]), strict=True))


def test_every_cell_has_a_figure_with_its_interval_or_a_reason(scores: dict[tuple[str, str], Score]) -> None:
    assert {score.interpreter for score in scores.values()} == set(NAMES)
    assert {identity.partition(".")[0] for identity, _ in scores} == set("123456789")
    for score in scores.values():
        if score.verdict == "not here":
            assert score.figure is None
            assert score.reason
        else:
            assert score.lo is not None
            assert score.hi is not None
            assert score.figure is not None
            assert score.lo <= score.figure <= score.hi
            assert score.unit in {"x", "s", "fraction", "1/s"}
        assert score.workload in KNOWN


def test_a_row_for_programs_has_exactly_the_promised_columns(scores: dict[tuple[str, str], Score]) -> None:
    row = flat(scores["2.sha256", "3.11"])
    assert tuple(row) == COLUMNS
    assert row["title"].endswith("happen outside the GIL: hashing")


def test_the_figure_of_claim_4_is_a_time_and_that_of_the_old_gil_a_quotient(
    scores: dict[tuple[str, str], Score],
) -> None:
    assert scores["4", "2.7"].figure == pytest.approx(1 / 0.5, rel=0.05)
    assert scores["9.echo", "3.11"].figure == pytest.approx(0.01 / 1.2, rel=0.05)
    assert scores["3.threads", "3.11"].figure == pytest.approx(400.0, rel=0.05)


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [("timeout", "hangs"), ("crash", "crashes"), ("checksum", "fails"), ("unsupported", "not here")],
)
def test_a_run_that_failed_is_the_result_of_its_rows_and_of_no_other(kind: str, verdict: str) -> None:
    failure = Failure(kind=kind, message="ended by SIGSEGV\nin the middle")
    seen = by_place(claims_study((PY311,), failures={"long_hold": failure}))
    for claim in ("7", "7.compute", "7.release"):
        assert seen[claim, "3.11"].verdict == verdict
        assert (seen[claim, "3.11"].reason or "").endswith("ended by SIGSEGV")
    assert seen["1", "3.11"].verdict == "holds"


def test_what_was_never_run_is_not_here_and_says_so() -> None:
    seen = by_place(claims_study((PY311,), without=("countdown",)))
    assert seen["4", "3.11"].verdict == "not here"
    assert seen["4", "3.11"].reason == "the study ended before it ran countdown"
    assert seen["1.pidigits", "3.11"].verdict == "holds"


def test_a_package_that_is_not_installed_comes_with_the_command_that_installs_it() -> None:
    failure = Failure(kind="unsupported", message="pillow_resize cannot be imported: No module named PIL")
    seen = by_place(claims_study((PY311,), failures={"pillow_resize": failure}))["2.pillow_resize", "3.11"]
    assert seen.verdict == "not here"
    assert (seen.reason or "").endswith("/fake/3.11 -m pip install pillow")
    whole = by_place(claims_study((PY311,), failures={"pillow_resize": failure}))["2", "3.11"]
    assert whole.verdict == "holds"


def test_without_the_old_gil_there_is_nothing_to_hold_the_new_one_against() -> None:
    seen = by_place(claims_study((PY311,)))["9", "3.11"]
    assert seen.verdict == "not here"
    assert "--python 2.7" in (seen.reason or "")


def test_one_processor_shows_nothing_about_several() -> None:
    seen = by_place(claims_study((PY311,), cpus=1))
    assert {seen[claim, "3.11"].verdict for claim in ("1", "3", "4", "2.sha256")} == {"not here"}
    assert seen["2.sleep", "3.11"].verdict == "holds"


def test_a_study_that_was_made_for_something_else_says_what_it_does_not_have() -> None:
    study = claims_study((PY311,))
    keep = [index for index, case in enumerate(study.header.plan.cases) if case.workload == "countdown"]
    cases = tuple(study.header.plan.cases[index] for index in keep)
    runs = [msgspec.structs.replace(run, case=keep.index(run.case)) for run in study.runs if run.case in keep]
    plan = msgspec.structs.replace(study.header.plan, cases=cases)
    workloads = tuple(one for one in study.header.workloads if one.name == "countdown")
    header = msgspec.structs.replace(study.header, plan=plan, workloads=workloads)
    seen = by_place(Study(header=header, runs=tuple(runs)))
    assert seen["4", "3.11"].verdict == "does not hold"
    assert seen["7", "3.11"].verdict == "not here"
    assert seen["7", "3.11"].reason == "long_hold is not in this study"


def test_a_figure_too_near_to_its_limit_is_inconclusive() -> None:
    def near(case: Case) -> Truth:
        return NEW._replace(cpu=math.sqrt(2)) if case.workload == "pidigits" else truth_of(case)

    study = claims_study((PY311,), truth=near)
    seen = by_place(study)["1.pidigits", "3.11"]
    assert seen.verdict == "inconclusive"
    assert seen.reason == "the 95% interval includes the limit 1.41x"


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_less_than_three_blocks_are_no_verdict_however_clear_the_value(blocks: int) -> None:
    for score in by_place(claims_study((PY311,), blocks=blocks)).values():
        if score.verdict != "not here" and blocks < 3:
            assert (score.verdict, score.lo, score.hi) == ("inconclusive", None, None)
            assert (score.reason or "").endswith(f"too few blocks: {blocks} of at least 3")
            assert score.figure is not None
        else:
            assert score.verdict != "inconclusive"


def test_processes_that_differ_widen_the_interval_however_many_slices_agree() -> None:
    """The block is the unit: 16 slices of four processes are four values."""

    def processes(spread: float) -> Score:
        study = claims_study((PY311,))
        cases = study.header.plan.cases
        runs = tuple(
            scaled(run, (1 + spread) ** (-1) ** run.block)
            if cases[run.case].workload == "countdown" and cases[run.case].threads == 2
            else run
            for run in study.runs
        )
        return by_place(msgspec.structs.replace(study, runs=runs))["1.countdown", "3.11"]

    assert processes(0.02).verdict == "holds"
    assert processes(0.6).verdict == "inconclusive"
    assert processes(0.6).lo is not None


def test_signals_that_are_never_handled_count_as_late_as_their_slice_is_long() -> None:
    study = claims_study((PY311,))
    cases = study.header.plan.cases
    runs = tuple(
        msgspec.structs.replace(
            run,
            slices=tuple(
                msgspec.structs.replace(
                    one, latencies=(), served=0, end=one.start + 0.5 * (1 + 0.01 * run.block)
                )
                for one in run.slices
            ),
        )
        if cases[run.case].workload == "delivery"
        else run
        for run in study.runs
    )
    seen = by_place(msgspec.structs.replace(study, runs=runs))
    assert seen["6.late", "3.11"].verdict == "holds"
    assert seen["6.late", "3.11"].figure == pytest.approx(0.5, rel=0.05)
    assert seen["6.lost", "3.11"].verdict == "holds"


def test_switches_of_the_harness_alone_are_no_handovers() -> None:
    idle = by_place(claims_study((PY311,), truth=lambda case: truth_of(case)._replace(handovers=0.0)))
    assert idle["3.threads", "3.11"].verdict == "does not hold"
    assert idle["3.threads", "3.11"].figure == pytest.approx(0.0, abs=5.0)
    assert idle["3.cores", "3.11"].verdict == "does not hold"


def test_futex_calls_are_used_instead_of_switches_if_they_were_observed() -> None:
    study = claims_study((PY311,))
    plan = study.header.plan
    cases, runs = list(plan.cases), list(study.runs)
    for case in plan.cases:
        if case.workload == "countdown" and case.threads <= 2 and case.cpus is None:
            calls = 60.0 * case.threads + (1000.0 if case.threads == 2 else 0.0)
            cases.append(msgspec.structs.replace(case, observers=("syscalls",)))
            for run in study.runs:
                if plan.cases[run.case] == case:
                    other = Share(name="read", value=0.5)
                    reading = Reading(
                        observer="syscalls",
                        figures={"system_calls": 2 * calls * (1 + 0.01 * run.block)},
                        functions=(Share(name="futex", value=0.5), other),
                    )
                    changes = {"case": len(cases) - 1, "readings": (reading,)}
                    runs.append(msgspec.structs.replace(run, **changes))
    plan = msgspec.structs.replace(plan, cases=tuple(cases))
    header = msgspec.structs.replace(study.header, plan=plan)
    seen = by_place(Study(header=header, runs=tuple(runs)))
    assert seen["3.threads", "3.11"].figure == pytest.approx(1000.0, rel=0.05)


def test_the_cases_hold_all_that_a_claim_is_read_from_and_nothing_twice() -> None:
    cases = claim_cases(SEVEN, KNOWN, 2)
    assert len(cases) == len(set(cases))
    assert {case.gil for case in cases if case.interpreter == "3.13t"} == {True, False}
    tasklets = {case.interpreter for case in cases if case.workload == "countdown_tasklets"}
    assert tasklets == {"pypy3.9"}, "no other column has a claim about them"
    order = [case.workload for case in cases]
    assert order == sorted(order, key=order.index), "cases of one workload stand together"


def test_claims_are_tried_with_as_many_threads_as_there_are_processors() -> None:
    threads = {spot.threads for claim in all_claims(8) for one in claim.experiments for spot in one.spots}
    assert max(threads) == 16
    assert "on 8 threads" in all_claims(8)[0].experiments[0].measured


def test_no_claim_changes_its_verdict_when_all_figures_move_by_a_tenth() -> None:
    def other(factor: float) -> dict[tuple[str, str], str]:
        def moved(case: Case) -> Truth:
            truth = truth_of(case)
            speeds = {"cpu": 1 + (truth.cpu - 1) * factor, "outside": truth.outside * factor}
            rest = {
                name: min(1.0, value * factor) if name == "handled" else value * factor
                for name, value in truth._asdict().items()
                if name not in speeds
            }
            return Truth(**speeds, **rest)

        return {place: score.verdict for place, score in by_place(claims_study(SEVEN, truth=moved)).items()}

    assert other(0.9) == other(1.1)


def controlled(study: Study, control: Control, *, noise: Noise | None = None) -> Study:
    """The same study on a host that gives so much."""
    runs = tuple(msgspec.structs.replace(run, control=control, noise=noise) for run in study.runs)
    return msgspec.structs.replace(study, runs=runs)


def test_a_claim_whose_experiments_disagree_holds_partly() -> None:
    def hashing(case: Case) -> Truth:
        return NEW._replace(outside=1.0) if case.workload == "sha256" else truth_of(case)

    seen = by_place(claims_study((PY311,), truth=hashing))["2", "3.11"]
    assert seen.verdict == "partly"
    assert (seen.reason or "").startswith("5 of 6 hold; not: hashing")


@pytest.mark.parametrize(("gain", "verdict"), [(1.95, "holds"), (1.2, "not here")])
def test_a_speedup_is_judged_by_what_the_host_gives(gain: float, verdict: str) -> None:
    seen = by_place(controlled(claims_study((PY311,)), Control(speedup=gain)))
    for claim in ("1.countdown", "2.sha256"):
        assert seen[claim, "3.11"].verdict == verdict
    assert seen["2.sleep", "3.11"].verdict == "holds"  # sleeping threads need no cores
    if verdict == "not here":
        assert "processes in C gain 1.20x" in (seen["1.countdown", "3.11"].reason or "")


def test_a_host_that_gives_less_than_two_cores_lowers_the_limit() -> None:
    study = claims_study((PY311,), truth=lambda _case: NEW._replace(cpu=1.35))
    assert by_place(study)["1.countdown", "3.11"].verdict == "holds"
    slower = controlled(study, Control(speedup=1.6))
    assert by_place(slower)["1.countdown", "3.11"].verdict == "does not hold"


def test_timers_that_are_late_are_no_late_signals() -> None:
    study = claims_study((PY311,), truth=lambda _case: NEW._replace(signal=0.03))
    assert by_place(study)["6.late", "3.11"].verdict == "holds"
    seen = by_place(controlled(study, Control(lateness=0.06)))
    assert seen["6.late", "3.11"].verdict == "does not hold"


def test_a_quota_that_stopped_each_block_leaves_no_verdict() -> None:
    seen = by_place(controlled(claims_study((PY311,)), Control(), noise=Noise(throttled=0.2)))
    assert {score.verdict for score in seen.values()} == {"not here"}
    assert seen["1.countdown", "3.11"].reason == "the CPU quota stopped countdown in each block"


def test_stackless_stands_for_the_old_gil_where_there_is_no_cpython_with_it() -> None:
    stackless = named("stackless2.7", "2.7.18", implementation="Stackless")
    study = claims_study(
        (stackless, PY311), truth=lambda case: OLD if case.interpreter == "stackless2.7" else NEW
    )
    seen = by_place(study)
    assert seen["9", "3.11"].verdict == "holds"
    assert seen["9", "stackless2.7"].verdict == "not here"
    assert seen["9", "stackless2.7"].reason == "baseline: this is the old GIL"


@pytest.mark.parametrize("rate", [1000.0, 50_000.0])
def test_the_limit_of_a_convoy_follows_the_time_of_a_request(rate: float) -> None:
    """A fast host keeps less of its throughput in the same convoy."""
    study = claims_study((PY311,))
    cases = study.header.plan.cases
    convoy = 1 / (1 / rate + 0.005)  # requests per second, each a switch interval later

    def served(run: Run) -> Run:
        if cases[run.case].workload != "tcp_echo_cpu":
            return run
        wanted = convoy if cases[run.case].threads else rate
        slices = tuple(msgspec.structs.replace(one, operations=wanted * one.window) for one in run.slices)
        return scaled(
            msgspec.structs.replace(run, slices=slices), 1 + 0.01 * run.block * cases[run.case].threads
        )

    seen = by_place(msgspec.structs.replace(study, runs=tuple(map(served, study.runs))))
    assert seen["5.echo", "3.11"].verdict == "does not hold"
