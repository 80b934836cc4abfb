"""The page of a selftest: each promise of the method, and its measured value."""

from __future__ import annotations

from itertools import groupby

import msgspec

from gilbench.model.selftest import Promise, Selftest
from gilbench.render.page import Column, Entry, Page, Section, Table, Text

_HOLDS = {True: Text("kept", "good"), False: Text("missed", "bad"), None: Text("")}


def selftest_page(selftest: Selftest) -> Page:
    """List promises, one per row, by kind and noise."""
    groups = groupby(selftest.promises, key=lambda one: f"{one.kind}, {one.noise}")
    table = Table(
        title="Verdicts: error rates and power, promised and found",
        columns=(
            Column("", "left", folds=True),
            *map(Column, ("found", "95% interval", "promised")),
            Column("", "left"),
        ),
        sections=tuple(Section(tuple(map(_row, promises)), heading) for heading, promises in groups),
    )
    rows = [msgspec.to_builtins(one) for one in selftest.promises]
    return Page("", (), (table,), {"kind": "selftest", "checks": rows}, rows)


def _row(one: Promise) -> tuple[Entry, ...]:
    interval = "" if one.lo is None or one.hi is None else f"{one.lo:.1%} to {one.hi:.1%}"
    label = f"{one.figure.replace('_', ' ')}: {one.name}"
    return (label, f"{one.value:.1%}", interval, one.promised or "", _HOLDS[one.holds])
