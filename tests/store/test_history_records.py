"""Records: each figure comes out as it went in; what is not a record is refused."""

from __future__ import annotations

import math
import struct

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gilbench.model.history import Point
from gilbench.store.history_records import (
    FIGURE,
    MOST_BLOCKS,
    PackedFigure,
    as_points,
    pack,
    unpack,
    unpack_layout,
)

BOUNDS = st.none() | st.floats(0, 2.0**100, width=32)


def possible(figure: PackedFigure) -> PackedFigure:
    """The same value, inside its interval; a bound beyond float32 would become infinite."""
    lo = None if figure.lo is None else min(figure.lo, figure.value)
    hi = None if figure.hi is None or figure.value > 1e38 else max(figure.hi, figure.value)
    return figure._replace(lo=lo, hi=hi)


FIGURES = st.lists(
    st.builds(
        PackedFigure,
        st.integers(1, 2**32 - 1),
        st.floats(0, allow_nan=False),
        BOUNDS,
        BOUNDS,
        st.integers(1, 10**30),
    ).map(possible),
    unique_by=lambda figure: figure.series,
    min_size=1,
)


@given(FIGURES)
def test_each_figure_comes_out_as_it_went_in(figures: list[PackedFigure]) -> None:
    layout, record = pack(figures)
    assert len(record) == 18 * len(figures)
    keys = unpack_layout(layout).tolist()
    out = unpack([record], len(keys))
    assert out.shape == (1, len(figures))
    points = as_points(range(len(keys)), out[0])
    expected = sorted(figures)
    assert keys == [figure.series for figure in expected]
    for figure, point in zip(expected, points, strict=True):
        assert point.value == figure.value
        assert point.blocks == min(figure.blocks, MOST_BLOCKS)
        for bound, wanted in ((point.lo, figure.lo), (point.hi, figure.hi)):
            assert bound == (None if wanted is None else pytest.approx(wanted, rel=1e-6, abs=1e-44))


def test_the_bytes_are_those_of_the_documented_format() -> None:
    layout, record = pack([PackedFigure(7, 2.5, None, 3.0, 70_000), PackedFigure(3, math.inf, 1e300, 0.1, 5)])
    assert layout == struct.pack("<2I", 3, 7)
    infinite, other = struct.iter_unpack("<dffH", record)
    assert infinite == (math.inf, math.inf, pytest.approx(0.1), 5)
    assert other[0::2] == (2.5, 3.0)
    assert math.isnan(other[1])
    assert other[3] == 65535


def test_a_bound_is_written_with_the_digits_that_it_had() -> None:
    _, record = pack([PackedFigure(1, 1.0, 0.99, 1.01, 5)])
    assert list(as_points([4], unpack([record], 1)[0])) == [Point(4, 1.0, 0.99, 1.01, 5)]


@pytest.mark.parametrize("layout", [b"", b"123"])
def test_a_damaged_layout_is_refused(layout: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        unpack_layout(layout)


@pytest.mark.parametrize("value", [-1.0, math.nan])
def test_a_damaged_record_is_refused(value: float) -> None:
    sound = np.array([(1.0, 0.9, 1.1, 5)], FIGURE).tobytes()
    for damaged in (sound[:-1], sound + b"\0", b"", struct.pack("<d", value) + sound[8:]):
        with pytest.raises(msgspec.ValidationError):
            unpack([sound, damaged], 1)
