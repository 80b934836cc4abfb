"""What the tests of one test session measured. Times are seconds, shares are 0 to 1; None means "not measured"."""

from __future__ import annotations

from typing import Literal

from gilbench.model.results import Check
from gilbench.model.study import Struct, Study

Outcome = Literal["passed", "failed", "skipped", "measured"]  # measured: nothing to judge


class Measurement(Struct, frozen=True):
    """One measurement of a test, and its value with its 95% interval."""

    test: str  # its node ID
    check: Literal["scales", "releases the GIL", "profile"]
    subject: str  # package.module:function, a statement, or the observed process
    outcome: Outcome
    interpreter: str | None = None
    threads: int | None = None
    value: float | None = None  # speedup, share of the time without the GIL, or GIL wait of all threads
    lo: float | None = None
    hi: float | None = None
    unit: str = "x"
    required: float | None = None  # smallest value that passes
    host: float | None = None  # speedup that the host gives to processes
    seconds: float | None = None  # length of the call on one thread
    waited: float = 0.0  # s for other measurements
    remark: str | None = None


class Reported(Struct, frozen=True):
    """A measurement on its way from the process that made it, and the study behind it."""

    measurement: Measurement
    study: Study | None = None  # None: it has none


class Measurements(Struct, frozen=True):
    """The measurements of a test session, and the comparison with an earlier one."""

    gilbench: str
    created: str  # ISO 8601, UTC
    rows: tuple[Measurement, ...]
    check: Check | None = None  # None: not compared
    saved: str | None = None  # file with the studies of this session
    note: str | None = None  # why nothing was compared or saved
