from __future__ import annotations

from typing import Any

import pytest
from interpreters_fakes import make_build

from gilbench.analyse.study.comparability import comparability


def test_two_builds_with_the_same_flags_may_be_compared_whatever_their_version_and_flavour() -> None:
    same: dict[str, Any] = {
        "pgo": True,
        "lto": True,
        "debug": False,
        "optimisation": "-O3",
        "compiler": "GCC 12.2.0",
    }
    assert comparability(make_build("3.11.7", **same), make_build("3.13.5", free_threaded=True, **same)) == ()


@pytest.mark.parametrize(
    ("reference", "other", "reason"),
    [
        ({"pgo": True}, {"pgo": False}, "without PGO vs with PGO"),
        ({"lto": False}, {"lto": True}, "with LTO vs without LTO"),
        ({"debug": False}, {"debug": True}, "debug build vs release build"),
        (
            {"optimisation": "-O3"},
            {"optimisation": "-O0"},
            "-O0 vs -O3",
        ),
        (
            {"compiler": "GCC 12.2.0"},
            {"compiler": "Clang 17.0.1"},
            "Clang 17 vs GCC 12",
        ),
    ],
)
def test_a_difference_in_how_they_were_compiled_is_named_from_both_sides(
    reference: dict[str, Any], other: dict[str, Any], reason: str
) -> None:
    assert comparability(make_build(**reference), make_build(**other)) == (reason,)


def test_what_one_side_does_not_know_of_itself_is_no_reason() -> None:
    known = make_build(pgo=True, lto=True, debug=False, optimisation="-O3", compiler="GCC 12.2.0")
    assert comparability(known, make_build()) == ()
    assert comparability(make_build(), known) == ()


def test_another_minor_version_of_the_compiler_is_no_reason() -> None:
    assert comparability(make_build(compiler="GCC 12.2.0"), make_build(compiler="GCC 12.4.1 20250101")) == ()


def test_compile_flags_are_not_held_against_another_implementation() -> None:
    pypy = make_build("3.9.16", implementation="PyPy", optimisation="-O2", compiler="GCC 10.1", pgo=False)
    assert comparability(make_build(optimisation="-O3", compiler="GCC 12.2.0", pgo=True), pypy) == ()


def test_every_reason_is_given() -> None:
    plain = make_build(pgo=False, lto=False, debug=True, optimisation="-O0", compiler="GCC 11.1")
    tuned = make_build(pgo=True, lto=True, debug=False, optimisation="-O3", compiler="GCC 12.1")
    assert len(comparability(tuned, plain)) == 5
