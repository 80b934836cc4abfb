"""From observed runs to the cause of a regression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from profiles import make_profile, make_thread

from gilbench.analyse.explain.causes import explain
from gilbench.analyse.explain.quantities import Key, quantities
from gilbench.model.explanation import Explanation
from gilbench.model.observed import LockWait, Observation, Observed
from gilbench.model.profile import Call, Collections, Stack
from gilbench.model.study import Case, Slice, ThreadSlice

CASE = Case(workload="work", interpreter="new", threads=1)
NOISE = (1.0, 1.004, 0.997, 1.002)


def stack(function: str, samples: int, tid: int = 1) -> Stack:
    return Stack(tid=tid, thread="t", frames=("operation (work.py:3)", function), samples=samples)


def observed(
    noise: float = 1.0,
    *,
    operations: int = 1000,
    held: float = 1.0,
    wait: float = 0.0,
    off: float = 0.0,
    functions: tuple[Stack, ...] = (stack("work (lib.py:5)", 100),),
    everyone: tuple[Stack, ...] = (stack("work (lib.py:5)", 100),),
    **fields: Any,
) -> Observed:
    """One thread that works for 1 s, in which it does so many operations; shares are of that second."""
    lock, cpu_wait = fields.pop("lock", None), fields.pop("cpu_wait", 0.0)
    thread = make_thread(1, held, wait, off_gil=off, collections=fields.pop("collections", None))
    thread = msgspec.structs.replace(thread, switches=fields.pop("switches", None))
    profile = make_profile(thread, duration=1.0, stacks=functions, **fields)
    done = round(operations * noise)
    slice_ = Slice(
        round=0,
        start=0.0,
        end=1.0,
        window=1.0,
        operations=done,
        checksum="",
        gil_enabled=(True, True),
        cpus=(0,),
        threads=(ThreadSlice(tid=1, start=0.0, finish=1.0, operations=done, total=done, cpu=None),),
    )
    return Observed(slice_, Observation(profile, everyone, {} if lock is None else {1: lock}, {1: cpu_wait}))


def explained(
    before: Callable[[float], Observed], after: Callable[[float], Observed], rounds: int = 4, **changes: Any
) -> Explanation:
    pairs = [(before(noise), after(2 - noise)) for noise in NOISE[:rounds]]
    return explain(msgspec.structs.replace(CASE, **changes), pairs, threshold=0.02, fdr=0.05)


def test_a_slower_function_is_named_with_its_line_and_its_part_of_the_time() -> None:
    faster = (stack("split (lib.py:7)", 41), stack("convert (lib.py:2)", 59))
    slower = (stack("split (lib.py:12)", 79), stack("split (lib.py:13)", 6), stack("convert (lib.py:2)", 15))
    found = explained(
        lambda noise: observed(noise, functions=faster),
        lambda noise: observed(noise, operations=250, functions=slower),
    )
    (cause,) = found.causes
    assert cause.kind == "function"
    assert cause.text.startswith("split (lib.py:12) holds the GIL 8.3x as long: 410 µs → 3.40 ms")
    assert cause.text.endswith("41% → 85% of the time")
    assert "convert (lib.py:2)" not in {change.subject for change in found.changes}


def test_garbage_is_a_reason_and_the_function_that_triggers_it_is_not() -> None:
    garbage = Collections(count=500, seconds=0.6, longest=0.01)
    found = explained(observed, lambda noise: observed(noise, operations=400, collections=garbage), rounds=4)
    assert found.causes[0].kind == "collections"
    assert "0 → 1.25 collections per operation" in found.causes[0].text


def test_a_call_that_keeps_the_gil_explains_the_waits_for_it() -> None:
    digest = (stack("digest (lib.py:9)", 100),)
    found = explained(
        lambda noise: observed(noise, held=0.02, off=0.98, functions=(stack("loop (lib.py:2)", 2),)),
        lambda noise: observed(noise, operations=500, held=0.5, wait=0.5, functions=digest),
        threads=2,
    )
    assert [cause.kind for cause in found.causes] == ["held call"]
    assert found.causes[0].text.startswith("digest (lib.py:9) no longer releases the GIL")


def test_a_lock_is_named_with_the_function_that_waits() -> None:
    where = (stack("update (lib.py:9)", 70), stack("work (lib.py:5)", 30))
    found = explained(
        lambda noise: observed(noise, held=0.3, off=0.7),
        lambda noise: observed(
            noise,
            operations=400,
            held=0.12,
            off=0.28,
            everyone=where,
            lock=LockWait(count=400, seconds=0.6),
        ),
    )
    assert found.causes[0].kind == "lock"
    assert "in update (lib.py:9)" in found.causes[0].text


def test_more_system_calls_come_before_the_function_that_makes_them() -> None:
    found = explained(
        lambda noise: observed(
            noise, held=0.9, off=0.1, syscalls=(Call(name="write", count=1000, seconds=0.01),)
        ),
        lambda noise: observed(
            noise,
            operations=100,
            held=0.6,
            off=0.4,
            syscalls=(Call(name="write", count=10_000, seconds=0.3),),
        ),
    )
    assert [cause.kind for cause in found.causes] == ["system calls", "function"]
    assert found.causes[0].text.startswith("write is called 100x as often in work (lib.py:5): ")


def test_a_host_without_cpus_explains_nothing() -> None:
    found = explained(observed, lambda noise: observed(noise, operations=600, held=0.6, cpu_wait=0.4))
    assert not found.causes
    assert not found.changes


@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_too_few_rounds_explain_nothing(rounds: int) -> None:
    found = explained(observed, lambda noise: observed(noise, operations=250), rounds=rounds)
    assert found.rounds == rounds
    assert not found.causes


def test_a_difference_that_changes_its_sign_is_chance() -> None:
    sides = [(observed(1.0), observed(noise)) for noise in (0.7, 1.4, 0.8, 1.3)]
    found = explain(CASE, sides, threshold=0.02, fdr=0.05)
    assert not found.causes


def test_a_service_is_counted_by_its_requests_on_the_main_thread() -> None:
    one = observed()
    slice_ = msgspec.structs.replace(one.slice, served=100, operations=400.0)
    profile = make_profile(make_thread(100, 0.5, name="MainThread"), duration=1.0)
    found = quantities(Observed(slice_, one.seen._replace(profile=profile)))
    assert found[Key("time")] == pytest.approx(1 / 500)
    assert found[Key("held")] == pytest.approx(0.5 / 500)


def test_a_slice_without_operations_has_no_quantities() -> None:
    assert quantities(observed(0.0)) == {}


FASTER = (stack("split (lib.py:7)", 41), stack("convert (lib.py:2)", 59))
SLOWER = (stack("split (lib.py:12)", 79), stack("split (lib.py:13)", 6), stack("convert (lib.py:2)", 15))


def counts(split: float) -> dict[str, float]:
    harness = {"spin (gilbench/target/spinning.py)": 100.0 + split / 10}
    return {"": 1000.0 + 1.1 * split, "split (lib.py)": split, "convert (lib.py)": 800.0, **harness}


def counted(before: float, after: float, repeats: int = 3) -> Explanation:
    """A function that takes longer, and whose instructions were counted."""
    rounds = [
        (observed(noise, functions=FASTER), observed(2 - noise, operations=250, functions=SLOWER))
        for noise in NOISE
    ]
    # Hash seeds change a count a little.
    pairs = [(counts(before + number), counts(after + 2 * number)) for number in range(repeats)]
    return explain(CASE, rounds, threshold=0.02, fdr=0.05, counts=pairs)


def test_the_function_that_is_slower_says_how_many_instructions_it_executes() -> None:
    found = counted(500, 4000)
    assert found.causes[0].text.endswith("41% → 85% of the time; 501 → 4.00 k instructions")
    changed = {change.subject: change for change in found.changes if change.quantity == "instructions"}
    assert set(changed) == {"", "split (lib.py:12)"}
    one = changed["split (lib.py:12)"]
    assert one.lo is not None
    assert one.hi is not None
    assert one.lo < 3501 < one.hi


def test_a_function_that_waits_for_memory_executes_as_many_instructions_as_before() -> None:
    found = counted(500, 500)
    assert found.causes[0].text.endswith("; as many instructions as before")
    assert not any(change.quantity == "instructions" for change in found.changes)


def test_a_single_count_proves_nothing() -> None:
    found = counted(500, 4000, repeats=1)
    assert "instructions" not in found.causes[0].text
    assert not any(change.quantity == "instructions" for change in found.changes)
