"""Two profiles compared: what differs, and what can be said of it."""

from __future__ import annotations

import msgspec
import pytest
from profiles import contended, make_profile, make_thread, sampled

from gilbench.analyse.profile.compare import compare_profiles, differing
from gilbench.model.profile import Profile, ProfiledThread
from gilbench.model.profile_results import PROFILE_METRICS, Difference
from gilbench.model.study import Share


def rows(
    before: Profile, after: Profile, *, judged: bool = True, threshold: float = 0.02
) -> list[Difference]:
    return list(compare_profiles(before, after, metrics=PROFILE_METRICS, threshold=threshold, judged=judged))


def program(before: Profile, after: Profile, **how: object) -> dict[str, Difference]:
    found = rows(before, after, **how)  # type: ignore[arg-type]
    return {row.metric: row for row in found if row.kind == "program"}


def waiting(share: float, **fields: object) -> Profile:
    return make_profile(make_thread(1, 0.5, share, longest_wait=share / 10, **fields))


def test_one_run_each_is_inconclusive_however_much_they_differ() -> None:
    found = program(waiting(0.1), waiting(0.5), judged=False)
    assert {row.verdict for row in found.values()} == {"inconclusive"}
    assert found["gil_wait"].reason == "unpaired"
    (first, *_) = differing(waiting(0.1), waiting(0.5), judged=False)
    assert "one run" in first.text
    assert "--allow-unpaired" in str(first.next)


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [(0.1, 0.5, "regressed"), (0.5, 0.1, "improved"), (0.3, 0.31, "equivalent"), (0.3, 0.3, "equivalent")],
)
def test_shares_are_judged_by_points_of_the_wall_time(before: float, after: float, verdict: str) -> None:
    assert program(waiting(before), waiting(after))["gil_wait"].verdict == verdict


def test_times_are_judged_by_their_ratio() -> None:
    found = program(waiting(0.3), waiting(0.31))
    assert found["gil_wait"].verdict == "equivalent"
    assert found["longest_wait"].verdict == "regressed", "3.3% longer, where 2% matter"


def test_holding_the_gil_is_neither_better_nor_worse() -> None:
    found = program(waiting(0.1), make_profile(make_thread(1, 0.9, 0.1)))["gil_held"]
    assert (found.verdict, found.reason) == ("inconclusive", "neither direction is better")


def test_a_sampled_difference_within_its_error_is_inconclusive() -> None:
    probe = msgspec.structs.replace(sampled().probe, error=0.05)
    before, after = (make_profile(make_thread(1, 0.5, wait), probe=probe) for wait in (0.30, 0.36))
    found = program(before, after)["gil_wait"]
    assert (found.verdict, found.reason) == ("inconclusive", "interval too wide")
    assert found.after is not None
    assert found.after.lo == pytest.approx(0.31)
    assert found.after.hi == pytest.approx(0.41)


def groups(*found: ProfiledThread) -> Profile:
    return make_profile(*found)


def test_threads_are_paired_by_name_and_many_by_their_pattern() -> None:
    before = groups(
        *(make_thread(n, 0.3, name=f"hot-{n}") for n in (1, 2)), make_thread(9, 0.1, name="serve-9")
    )
    after = groups(
        *(make_thread(n, 0.2, name=f"hot-{n}") for n in (1, 2)), make_thread(9, 0.1, name="serve-12")
    )
    subjects = {row.subject for row in rows(before, after) if row.kind == "threads"}
    assert subjects == {"hot-1", "hot-2", "serve-* (1 threads)"}


def test_pools_of_different_sizes_are_one_row() -> None:
    before, after = (
        groups(*(make_thread(n, 0.01, 0.02, name=f"worker-{n}") for n in range(size))) for size in (10, 30)
    )
    found = {row.metric: row for row in rows(before, after) if row.kind == "threads"}
    assert found["gil_wait"].subject == "worker-* (10 and 30 threads)"
    assert found["gil_wait"].before is not None
    assert found["gil_wait"].before.value == pytest.approx(0.2)
    assert found["gil_wait"].verdict == "regressed"


def test_what_is_in_one_profile_only_is_shown_as_such() -> None:
    after = groups(make_thread(1, 0.5), make_thread(2, 0.2, name="new"))
    found = [row for row in rows(groups(make_thread(1, 0.5)), after) if row.subject == "new"]
    assert found
    assert all((row.before, row.reason) == (None, "only in one profile") for row in found)


def test_functions_have_the_error_of_their_samples() -> None:
    functions = (Share(name="parse", value=0.5), Share(name="idle", value=0.0001))
    before = make_profile(make_thread(1, 0.5), functions=functions, stack_rate=200)
    found = [row for row in rows(before, before) if row.kind == "function"]
    assert [row.subject for row in found] == ["parse"]
    assert found[0].before is not None
    assert found[0].before.hi == pytest.approx(0.5 + 1.96 * (0.25 / 2000) ** 0.5)


def test_other_probes_builds_and_lengths_are_told() -> None:
    other = msgspec.structs.replace(sampled(), duration=30.0)
    kinds = [caveat.kind for caveat in differing(contended(), other, judged=True)]
    assert kinds == ["unpaired", "probe", "duration"]


def test_only_the_wanted_metrics_are_compared() -> None:
    found = compare_profiles(contended(), contended(), metrics=["gil_wait"], threshold=0.02, judged=True)
    assert {row.metric for row in found if row.kind != "function"} == {"gil_wait"}
