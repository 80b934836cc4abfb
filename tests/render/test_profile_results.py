"""Two profiles compared, and a profile held to limits, in every format."""

from __future__ import annotations

import csv
import io
import json

import msgspec
import pytest
from golden import compare, written
from junitparser import JUnitXml
from pages import HOSTILE, WIDTHS
from profiles import contended, make_profile, make_thread, sampled
from rich.cells import cell_len

from gilbench.analyse.profile.compare import compare_profiles, differing
from gilbench.analyse.profile.limits import exit_code, judge, parse_limit
from gilbench.model.profile import Profile
from gilbench.model.profile_results import PROFILE_METRICS, LimitCheck, ProfileComparison
from gilbench.model.study import Share

LIMITS = ("gil_wait<200%", "crunch: longest_hold<10ms", "memory_peak<64MiB")


def compared(before: Profile, after: Profile, *, judged: bool = True) -> ProfileComparison:
    found = compare_profiles(before, after, metrics=PROFILE_METRICS, threshold=0.02, judged=judged)
    doubts = tuple(differing(before, after, judged=judged))
    return ProfileComparison(
        before="before.json", after="after.json", rows=tuple(found), caveats=doubts, threshold=0.02
    )


def later() -> Profile:
    """The contended program with shorter holds: one thread less, and another function on top."""
    first = contended()
    threads = [
        msgspec.structs.replace(thread, gil_held=(thread.gil_held or 0) * 0.9, longest_hold=0.005)
        for thread in first.threads[:3]
    ]
    functions = (Share(name="emit (app.py:44)", value=0.41), Share(name="write (app.py:60)", value=0.2))
    return msgspec.structs.replace(first, threads=tuple(threads), functions=functions, stack_rate=200)


def limited(profile: Profile, *texts: str) -> LimitCheck:
    results = tuple(judge(profile, parse_limit(text)) for text in texts)
    return LimitCheck(profile="profile.json", results=results, exit_code=exit_code(results, strict=False))


@pytest.mark.parametrize("columns", WIDTHS)
def test_pages_are_written_as_before(columns: int, regenerate: bool) -> None:
    text = written(compared(contended(), later()), "terminal", columns)
    compare(f"profile_comparison_{columns}.txt", text, regenerate=regenerate)
    text = written(limited(contended(), *LIMITS), "terminal", columns)
    compare(f"limits_{columns}.txt", text, regenerate=regenerate)


@pytest.mark.parametrize("columns", [60, 80, 160])
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_name_is_shown_and_does_no_harm(kind: str, columns: int) -> None:
    name = HOSTILE[kind]
    profile = make_profile(
        make_thread(1, 0.5, 0.5, name=name), command=(name,), functions=(Share(name=name, value=0.5),)
    )
    result = msgspec.structs.replace(compared(profile, profile), before=name)
    check = msgspec.structs.replace(limited(profile, f"{name[:9]}*: gil_held<1%"), profile=name)
    for page in (result, check):
        lines = written(page, "terminal", columns).split("\n")
        assert not {letter for line in lines for letter in line if not letter.isprintable()}
        assert max(map(cell_len, lines)) <= columns
        for form in ("markdown", "json", "csv"):
            assert written(page, form)
    for form in ("github", "junit"):
        assert written(check, form)


def test_an_unjudged_comparison_says_why_and_what_to_do() -> None:
    text = written(compared(contended(), later(), judged=False), "terminal")
    assert "inconclusive, unpaired" in text
    assert "each profile is one run" in text
    assert "--allow-unpaired" in text


def test_a_comparison_as_json_and_csv() -> None:
    result = compared(contended(), later())
    said = json.loads(written(result, "json"))
    assert (said["kind"], said["threshold"]) == ("profile comparison", 0.02)
    assert len(said["differences"]) == len(result.rows)
    rows = list(csv.DictReader(io.StringIO(written(result, "csv"))))
    assert {"metric", "before", "before_lo", "after", "verdict"} <= rows[0].keys()
    assert len(rows) == len(result.rows)


def test_limits_as_json_csv_and_markdown() -> None:
    check = limited(contended(), *LIMITS)
    said = json.loads(written(check, "json"))
    assert (said["kind"], said["verdict"], said["exit_code"]) == ("limits", "exceeded", 1)
    assert [one["verdict"] for one in said["limits"]] == ["pass", "exceeded", "pass"]
    rows = list(csv.DictReader(io.StringIO(written(check, "csv"))))
    assert [row["metric"] for row in rows] == ["gil_wait", "longest_hold", "memory_peak"]
    assert "exceeded: 1 of 3 limits" in written(check, "markdown")


def test_ci_gets_an_annotation_and_a_test_for_each_limit() -> None:
    check = limited(contended(), *LIMITS)
    lines = written(check, "github").splitlines()
    assert sum(line.startswith("::error") for line in lines) == 1
    (suite,) = JUnitXml.fromstring(written(check, "junit").encode())
    assert (suite.tests, suite.failures, suite.skipped) == (3, 1, 0)
    (suite,) = JUnitXml.fromstring(written(limited(sampled(), "gil_held<95%"), "junit").encode())
    assert (suite.tests, suite.skipped) == (1, 1)


def test_a_sampled_value_is_shown_with_its_interval() -> None:
    text = written(limited(sampled(), "gil_held<95%"), "terminal")
    assert "inconclusive" in text
    assert "94.0% ±3" in text
    assert "inside the 95% interval" in text
