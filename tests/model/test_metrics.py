from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gilbench.model.metrics import METRICS, scale_of, significant, write


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1234567.0, "1/s", "1.23 M/s"),
        (1000.0, "1/s", "1.00 k/s"),
        (999.6, "1/s", "1.00 k/s"),
        (999.4, "1/s", "999 /s"),
        (12.0, "1/s", "12.0 /s"),
        (0.5, "1/s", "0.500 /s"),
        (5e12, "1/s", "5000 G/s"),
        (2.5, "s", "2.50 s"),
        (0.0052, "s", "5.20 ms"),
        (0.9996, "s", "1.00 s"),
        (42e-6, "s", "42.0 µs"),
        (3e-9, "s", "3.00 ns"),
        (3e-12, "s", "0.00300 ns"),
        (1536.0, "B", "1.50 KiB"),
        (12.0, "B", "12.0 B"),
        (3 * 2.0**30, "B", "3.00 GiB"),
        (1.9801, "x", "1.98x"),
        (0.9996, "x", "1.00x"),
        (9.996, "x", "10.0x"),
        (99.96, "x", "100x"),
        (0.451, "fraction", "45.1%"),
        (1.0, "fraction", "100%"),
        (0.00012, "fraction", "0.0120%"),
        (1.756, "cores", "1.76"),
        (-0.0052, "s", "-5.20 ms"),
        (-1500.0, "1/s", "-1.50 k/s"),
    ],
)
def test_a_figure_is_written_with_three_digits_and_the_prefix_that_suits_it(
    value: float, unit: str, text: str
) -> None:
    assert write(value, unit) == text


@pytest.mark.parametrize(
    ("unit", "text"),
    [("1/s", "0 /s"), ("s", "0 ns"), ("B", "0 B"), ("x", "0x"), ("fraction", "0%"), ("cores", "0")],
)
def test_zero_is_zero_whatever_its_sign(unit: str, text: str) -> None:
    assert write(0.0, unit) == text
    assert write(-0.0, unit) == text


@pytest.mark.parametrize("unit", sorted({metric.unit for metric in METRICS.values()}))
def test_what_is_not_finite_has_no_unit(unit: str) -> None:
    assert [write(value, unit) for value in (math.inf, -math.inf, math.nan)] == ["∞", "-", "-"]


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 6))
def test_any_number_can_be_written_without_an_exponent_and_read_again(value: float, digits: int) -> None:
    text = significant(value, digits)
    assert not set(text) - set("-.0123456789")
    if abs(value) > 1e-300:
        assert float(text) == pytest.approx(value, rel=0.5 * 10.0 ** (1 - digits) * 1.0001)


@given(st.floats(1e-6, 1e6), st.integers(1, 6))
def test_a_number_has_as_many_digits_as_asked_for(value: float, digits: int) -> None:
    text = significant(value, digits)
    shown = len(text.replace(".", "").lstrip("0"))
    assert shown == digits or (shown > digits and "." not in text)


@given(st.floats(1e-15, 1e15), st.sampled_from(sorted({metric.unit for metric in METRICS.values()})))
def test_a_scale_brings_a_figure_near_to_one_where_its_unit_has_prefixes(value: float, unit: str) -> None:
    divisor, suffix = scale_of(value, unit)
    assert divisor > 0
    assert scale_of(-value, unit) == (divisor, suffix)
    if unit in {"1/s", "s"} and 1e-9 < value < 1e11:
        assert value / divisor < 1e3 or suffix in {" s", " G/s"}


def test_each_metric_has_a_name_of_its_own_and_a_direction() -> None:
    assert all(name == metric.name for name, metric in METRICS.items())
    assert {metric.better for metric in METRICS.values()} == {"higher", "lower", "neither"}
    asked = "throughput speedup efficiency latency_p50 latency_p99 latency_max delivered cpu_utilisation "
    asked += "voluntary_switches involuntary_switches gil_held"
    assert set(asked.split()) <= METRICS.keys()
    lower = {name for name, metric in METRICS.items() if metric.better == "lower"}
    assert {"latency_p50", "latency_p99", "latency_max", "voluntary_switches", "memory_peak"} <= lower
    assert {METRICS[name].better for name in ("throughput", "speedup", "delivered")} == {"higher"}
