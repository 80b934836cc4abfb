"""Histograms as bpftrace writes them, and as they are meant."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from interpreters_fixture import absent

from gilbench.observe.bpftrace import ENDLESS, Script, _bounded_histograms
from gilbench.observe.bpftrace_access import why_not
from gilbench.observe.gil.exact_rows import buckets_of
from gilbench.observe.gil.thread_sums import ThreadSums

SHORT = {"min": 1024, "max": 2047, "count": 3}
# bpftrace 0.17: every value from 2 ** 31 on, with bounds of 32 bits.
LONG = {"min": -2147483648, "max": 0, "count": 2}


def test_the_last_bucket_begins_where_32_bits_end_and_has_no_end() -> None:
    found = _bounded_histograms([SHORT, LONG])
    assert found == [SHORT, {"min": 1 << 31, "max": ENDLESS - 1, "count": 2}]
    assert _bounded_histograms({"7": [LONG], "8,1": [SHORT]})["8,1"] == [SHORT]


def test_a_histogram_of_small_values_stays_as_it_is() -> None:
    buckets: list[dict[str, Any]] = [{"max": -1, "count": 1}, {"min": 0, "max": 0, "count": 4}, SHORT]
    assert _bounded_histograms(buckets) == buckets[1:], "no time is negative"


def test_a_wait_of_seconds_is_no_negative_time() -> None:
    maps = {"@waits": _bounded_histograms({"7": [SHORT, LONG]})}
    one = ThreadSums.alive(5, 7, {"@n": {"7": 5}}, 10)
    buckets = buckets_of(one, maps)
    assert [bucket.count for bucket in buckets] == [3, 2]
    assert buckets[1].lo == pytest.approx(2.147, abs=0.001)
    assert buckets[1].hi == pytest.approx(ENDLESS * 1e-9)


def test_bpftrace_itself_writes_no_negative_bounds_to_us() -> None:
    reason = why_not()
    if reason is not None:
        absent(reason)
    done = threading.Event()
    script = Script(
        "BEGIN { @[1] = hist((uint64)3000000000); @[1] = hist((uint64)5000); @[2] = hist((uint64)50000000000); "
        '} interval:ms:100 { print(@); printf("done\\n"); }',
        on_line=lambda _line: done.set(),
    )
    assert done.wait(10)
    maps = script.finish()
    for key, value in (("1", 3_000_000_000), ("2", 50_000_000_000)):
        last = maps["@"][key][-1]
        assert 0 <= last["min"] <= value <= last["max"]
        assert last["count"] == 1
