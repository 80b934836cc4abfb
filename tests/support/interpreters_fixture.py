"""Real interpreters for the tests: what this machine has, a reason to skip where it has it not."""

from __future__ import annotations

import functools
import os
from typing import NoReturn

import pytest

from gilbench.interpreters import find_all, parse_spec
from gilbench.interpreters.names import name_all
from gilbench.interpreters.select import _Discovered, _resolve
from gilbench.model.errors import InterpreterError
from gilbench.model.study import Interpreter, Unusable

NOT_MADE_BY_CI = {"ironpython", "ipy", "3.14t", "3.15t"}  # tested where they are found


@functools.cache
def machine() -> tuple[tuple[Interpreter, ...], tuple[Unusable, ...]]:
    """What ``find_all`` says, asked once for all tests."""
    return find_all()


def interpreter(spec: str) -> Interpreter:
    """The interpreter for a SPEC; without it the test is skipped, and fails in CI if that makes one."""
    try:
        return _found(spec)
    except InterpreterError as error:
        reason = str(error).partition("\n")[0]
        if spec in NOT_MADE_BY_CI:
            pytest.skip(reason)
        absent(reason)


@functools.cache
def _found(spec: str) -> Interpreter:
    # Not select(): it would ask the whole machine again for each SPEC.
    chosen = next(iter(_resolve(parse_spec(spec), _Discovered(*machine()))))
    return name_all([chosen])[0]


def absent(reason: str) -> NoReturn:
    """Skip a test for want of something; in CI it has to be there."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"must be there in CI: {reason}")
    pytest.skip(reason)
