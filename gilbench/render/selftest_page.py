"""The page of a selftest: each promise of the method, and its measured value."""

from __future__ import annotations

from itertools import groupby

import msgspec

from gilbench.model.selftest import GeneratedNoise, Promise, Selftest
from gilbench.render.page import Column, Entry, Page, Section, Table, Text

_HOLDS = {True: Text("kept", "good"), False: Text("missed", "bad"), None: Text("")}


def selftest_page(selftest: Selftest) -> Page:
    """List promises, one per row, by kind and noise."""
    groups = groupby(selftest.promises, key=lambda one: (one.kind, one.noise))
    table = Table(
        title="Verdicts: error rates and power, promised and found",
        columns=(
            Column("", "left", folds=True),
            *map(Column, ("found", "95% interval", "promised")),
            Column("", "left"),
        ),
        sections=tuple(
            Section(tuple(map(_row, promises)), f"{kind}, {_described(noise, selftest.noise)}")
            for (kind, noise), promises in groups
        ),
    )
    rows = [msgspec.to_builtins(one) for one in selftest.promises]
    data = {"kind": "selftest", "noise": msgspec.to_builtins(selftest.noise), "checks": rows}
    return Page("", (), (table,), data, rows)


def _described(noise: str, generated: GeneratedNoise | None) -> str:
    if generated is None or noise != generated.name:
        return noise
    taken = ", ".join(f"{source} {share:.0%}" for source, share in generated.taken.items())
    return f"generated noise (of one CPU: {taken})"


def _row(one: Promise) -> tuple[Entry, ...]:
    interval = "" if one.lo is None or one.hi is None else f"{one.lo:.1%} to {one.hi:.1%}"
    label = f"{one.figure.replace('_', ' ')}: {one.name}"
    return (label, f"{one.value:.1%}", interval, one.promised or "", _HOLDS[one.holds])
