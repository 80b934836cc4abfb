"""Flattens values to rows. Only here is a case merged into the fields of its value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gilbench.model.results import Cell, Comparison, HostKind
from gilbench.model.study import Case

_OF_FLEETS = ("host", "hosts", "hosts_needed", "spread")


def flat(figure: Cell | Comparison, kinds: Sequence[HostKind] = ()) -> dict[str, Any]:
    """Return a value and its case as one flat row; only the parameters and the spread between hosts are nested.

    Args:
        figure: The value. Only that of a fleet has fields about hosts.
        kinds: Kinds of the hosts of a fleet, of which the row of a host names one.
    """
    fields = msgspec.to_builtins(figure)
    del fields["case"]
    if figure.host is None and figure.hosts is None:
        fields = {name: value for name, value in fields.items() if name not in _OF_FLEETS}
    elif kinds:
        fields["host_kind"] = next((kind.label for kind in kinds if figure.host in kind.hosts), None)
    return {**flat_case(figure.case), **fields}


def flat_case(case: Case) -> dict[str, Any]:
    """Return a case with its parameters by name."""
    return {**msgspec.to_builtins(case), "parameters": dict(case.parameters)}
