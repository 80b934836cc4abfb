"""Records: the results of one study for one metric, packed into one value of the database.

A **record** is an array of ``FIGURE``, 18 bytes each, without padding, in little-endian order:

======  =======  ===================================================================
offset  type     field
======  =======  ===================================================================
0       float64  value; infinite: never answered
8       float32  lower end of the 95% interval; NaN: unknown
12      float32  upper end of the 95% interval; NaN: unknown
16      uint16   number of blocks; 65535: as many or more
======  =======  ===================================================================

A **layout** is an array of uint32, in little-endian order: the key of the series of each figure, ascending. Studies of
the same plan share their layouts. A row per figure would cost 40 bytes, and a half-filled page after each insertion in
the middle of the table: 55 bytes in all. Ten thousand studies of 700 figures take 21.5 bytes per figure, indices and
the rows of the studies included.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from gilbench.model.history import Point

FIGURE = np.dtype([("value", "<f8"), ("lo", "<f4"), ("hi", "<f4"), ("blocks", "<u2")])
KEY = np.dtype("<u4")
MOST_BLOCKS = 65535


class PackedFigure(NamedTuple):
    """One value of one series, before it is packed."""

    series: int  # key
    value: float
    lo: float | None
    hi: float | None
    blocks: int


def pack(figures: Iterable[PackedFigure]) -> tuple[bytes, bytes]:
    """Pack the figures of one study and one metric into a layout and a record.

    Raises:
        OverflowError: A key does not fit.
    """
    ordered = sorted(figures)
    rows = [(one.value, _bound(one.lo), _bound(one.hi), min(one.blocks, MOST_BLOCKS)) for one in ordered]
    with np.errstate(over="ignore"):  # a bound beyond float32 becomes infinite
        record = np.array(rows, FIGURE).tobytes()
    return np.array([one.series for one in ordered], KEY).tobytes(), record


def digest_of(layout: bytes) -> str:
    """Return the digest by which a layout is found again."""
    return hashlib.sha256(layout).hexdigest()


def unpack_layout(layout: bytes) -> NDArray[np.uint32]:
    """Return the keys of the series of a layout.

    Raises:
        msgspec.ValidationError: The layout is damaged.
    """
    if not layout or len(layout) % KEY.itemsize:
        raise msgspec.ValidationError("a layout is damaged")
    return np.frombuffer(layout, KEY)


def unpack(records: Sequence[bytes], width: int) -> NDArray[np.void]:
    """Return the figures of several records with the same layout.

    Args:
        records: The records.
        width: Number of series of their layout.

    Returns:
        An array of ``FIGURE``, shape (records, width).

    Raises:
        msgspec.ValidationError: A record has another length, or a value is negative, not a number, outside its
            interval, or of no blocks.
    """
    size = width * FIGURE.itemsize
    if any(len(record) != size for record in records):
        raise msgspec.ValidationError("a record is damaged")
    figures = np.frombuffer(b"".join(records), FIGURE).reshape(len(records), width)
    if not (figures["value"] >= 0).all():
        raise msgspec.ValidationError("a value is negative or not a number")
    value, lo, hi = (figures[name].astype(float) for name in ("value", "lo", "hi"))
    with np.errstate(invalid="ignore", over="ignore"):  # NaN: no bound; an infinite value has infinite room
        room = 1e-5 * value + 1e-30  # bounds have 7 digits
        outside = (lo > value + room) | (hi < value - room) | (lo > hi)
    if outside.any() or not figures["blocks"].all():
        raise msgspec.ValidationError("a value is outside its interval, or of no blocks")
    return figures


def as_points(studies: Iterable[int], figures: NDArray[np.void]) -> Iterator[Point]:
    """Yield the figures of one series as points. Their bounds have 7 significant digits.

    Args:
        studies: Key of the study of each figure.
        figures: An array of ``FIGURE``, shape (n,).
    """
    for study, (value, lo, hi, blocks) in zip(studies, figures.tolist(), strict=True):
        yield Point(study, value, _digits(lo), _digits(hi), blocks)


def _digits(bound: float) -> float | None:
    return None if math.isnan(bound) else float(f"{bound:.7g}")


def _bound(bound: float | None) -> float:
    return np.nan if bound is None else bound
