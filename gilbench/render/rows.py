"""Flattens values to rows. Only here is a case merged into the fields of its value."""

from __future__ import annotations

from typing import Any

import msgspec

from gilbench.model.results import Cell, Comparison
from gilbench.model.study import Case


def flat(figure: Cell | Comparison) -> dict[str, Any]:
    """Return a value and its case as one flat row; only the parameters are nested."""
    fields = msgspec.to_builtins(figure)
    del fields["case"]
    return {**flat_case(figure.case), **fields}


def flat_case(case: Case) -> dict[str, Any]:
    """Return a case with its parameters by name."""
    return {**msgspec.to_builtins(case), "parameters": dict(case.parameters)}
