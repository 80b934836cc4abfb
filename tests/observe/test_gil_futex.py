from __future__ import annotations

import struct
from pathlib import Path
from typing import cast

import pytest
from interpreters_fixture import interpreter

from gilbench.observe.gil.futex import FutexProbe, read_waits
from gilbench.observe.gil.gils import Gils
from gilbench.observe.gil.searched import is_gil
from gilbench.observe.running import RunningPython


class OneGil:
    """A GIL whose condition variable lies from 1000 to 1100."""

    def is_ours(self, word: int) -> bool:
        return 1000 <= word < 1100


def test_waits_on_both_words_of_the_gil_are_summed_and_those_of_other_locks_passed_over() -> None:
    maps = {
        "@waited": {
            "7,1000": {"count": 2, "average": 3, "total": 6_000_000},
            "7,1008": {"count": 1, "average": 4, "total": 4_000_000},
            "7,5000": {"count": 1, "average": 9, "total": 9_000_000_000},
            "8,5000": {"count": 1, "average": 9, "total": 9_000_000_000},
        },
        "@longest": {"7,1000": 4_000_000, "7,1008": 4_500_000, "7,5000": 9_000_000_000},
        "@waits": {
            "7,1000": [{"min": 1024, "max": 2047, "count": 2}],
            "7,1008": [{"min": 1024, "max": 2047, "count": 1}],
        },
    }
    waits = read_waits(maps, cast("Gils", OneGil()))
    assert list(waits) == [7]
    assert waits[7].seconds == pytest.approx(0.01)
    assert waits[7].longest == pytest.approx(0.0045)
    assert [bucket.count for bucket in waits[7].buckets] == [3]
    assert waits[7].buckets[0].lo == pytest.approx(1.024e-6)


def gil(
    *, holder: int = 0x5000, locked: int = 1, padding: int = 0, switches: int = 12, kind: int = 0
) -> bytes:
    head = struct.pack("<QQiiQ", 5000, holder, locked, padding, switches)
    return head + bytes(48) + struct.pack("<IIIII", 0, 0, 0, 0, kind) + bytes(200)


def test_a_gil_is_told_from_other_words_that_hold_the_same_interval() -> None:
    assert is_gil(gil(), 0)
    assert is_gil(gil(locked=0), 0)
    assert not is_gil(gil(holder=3), 0)
    assert not is_gil(gil(locked=7), 0)
    assert not is_gil(gil(padding=9), 0)
    assert not is_gil(gil(switches=1 << 50), 0)
    assert not is_gil(gil(kind=0x7F00), 0)


def test_what_has_no_gil_that_we_know_is_refused_with_a_reason() -> None:
    known = RunningPython(1, "/usr/bin/python3", code=Path("/nonexistent"))
    assert "no GIL" in (FutexProbe().why_not(known._replace(gil_enabled=False)) or "")
    old = interpreter("3.6")
    code = Path(old.library or old.binary)
    assert "no symbol _PyRuntime" in (FutexProbe().why_not(known._replace(version=(3, 6), code=code)) or "")
    assert "cannot read symbols" in (FutexProbe().why_not(known._replace(version=(3, 11))) or "")
