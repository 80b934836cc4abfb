"""The modes of a case, and those that its worker reports."""

from __future__ import annotations

import pytest

from gilbench.model.study import Case, Environment
from gilbench.run.worker import overridden


@pytest.mark.parametrize(
    ("wanted", "actual", "said"),
    [
        ({}, {}, None),
        ({}, {"gil_enabled": True, "jit_enabled": True}, None),
        ({"gil": True, "jit": False}, {"gil_enabled": True, "jit_enabled": False}, None),
        ({"gil": False}, {}, None),
        ({"gil": False}, {"gil_enabled": True}, "its GIL is on instead of off"),
        ({"gil": True}, {"gil_enabled": False}, "its GIL is off instead of on"),
        ({"jit": True}, {"gil_enabled": True, "jit_enabled": False}, "its JIT is off instead of on"),
        ({"jit": False}, {"jit_enabled": True}, "its JIT is on instead of off"),
    ],
)
def test_a_mode_that_is_not_in_force_is_told(
    wanted: dict[str, bool], actual: dict[str, bool], said: str | None
) -> None:
    case = Case(workload="w", interpreter="i", threads=1, **wanted)  # type: ignore[arg-type]
    problem = overridden(case, Environment(pid=1, clock="c", **actual))  # type: ignore[arg-type]
    assert (problem is None) if said is None else str(problem).startswith(said)
