"""The fixture ``gilbench``: measures, and passes, fails, or skips the test by the verdict."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec
import pytest

from gilbench.host.turn import turn
from gilbench.model.errors import GilbenchError, InterpreterError, UsageError
from gilbench.model.measurements import Measurement, Outcome, Reported
from gilbench.model.metrics import write
from gilbench.model.releases import Answer, Release
from gilbench.model.scaling import Scaling
from gilbench.model.study import Study
from gilbench.render.figures import figure_within
from gilbench.testing.marker import Settings
from gilbench.work.attached import BlockProfile, profiling
from gilbench.work.callables import Code, as_arguments, import_path, name_of
from gilbench.work.releases import releases
from gilbench.work.scaling import scales

_T = TypeVar("_T")
_THREADS = 4
_LONGEST = 60  # characters of the name of a workload
_OUTCOMES: dict[Answer, Outcome] = {"yes": "passed", "no": "failed", "failed": "failed"}  # else skipped


class Gilbench:
    """Measures for one test. One measurement runs at a time, also if several processes run tests.

    Args:
        test: Node ID of the test.
        settings: What the marker sets.
        effort: Effort level.
        strict: Fail the test if a result is undecided; otherwise, skip it.
        report: Receives each measurement as JSON, which also reaches another process.
        tell: Receives a sentence for the user during a long wait.
    """

    def __init__(
        self,
        test: str,
        settings: Settings,
        *,
        effort: str,
        strict: bool,
        report: Callable[[str], None],
        tell: Callable[[str], None],
    ) -> None:
        self._test, self._settings = test, settings
        self._effort, self._strict = effort, strict
        self._report, self._tell = report, tell
        self._studies = 0
        self._waited = 0.0
        self._has_turn = False

    @property
    def threads(self) -> int:
        """Number of threads that the marker sets; 4 without one."""
        return self._settings.threads or _THREADS

    @property
    def python(self) -> str | None:
        """SPEC of the interpreter that the marker sets; None: the one that runs the tests."""
        return self._settings.python

    def scales(
        self,
        function: Code,
        *args: object,
        threads: int | None = None,
        at_least: float = 0.5,
        setup: str = "",
        shared: bool = False,
    ) -> Scaling:
        """Check that a call is faster on several threads than on one.

        The required speedup is relative to what the host gives to processes: with 0.5 on a host that gives 2x, it is
        1.5x. The test is skipped if the host cannot tell, for example with one CPU, or if the result is undecided.

        Args:
            function: A function at the top level of a module, ``package.module:function``, or a statement.
            *args: Literals to pass to the function.
            threads: Number of threads; None: that of the marker, or 4. With 1, the call is only measured.
            at_least: Smallest share of the host's gain, above 0 and at most 1.
            setup: Source that runs once per thread before.
            shared: The setup runs once, and all threads use its objects.
        """
        __tracebackhide__ = True
        _refuse_no_share(at_least)
        self._studies += 1
        found, study = self._measured(
            lambda: scales(
                function,
                as_arguments(args),
                setup,
                threads=self.threads if threads is None else threads,
                at_least=100 * at_least,
                python=self.python,
                path=import_path(function, foreign=self.python is not None),
                shared=shared,
                name=_workload(self._test, self._studies),
                effort=self._effort,
            )
        )
        only_measured = found.threads == 1 and found.seconds is not None
        outcome = "measured" if only_measured else self._outcome(found.answer)
        measurement = _of_scaling(found, self._test, outcome)
        self._end(measurement, _sentence_of_scaling(found), study)
        return found

    def releases_gil(self, function: Code, *args: object, at_least: float = 0.5, setup: str = "") -> Release:
        """Check that a call runs without the GIL for a share of its time, by the verdict of ``gilbench releases``.

        The test is skipped if there is no GIL, or if the result is undecided.

        Args:
            function: A function at the top level of a module, ``package.module:function``, or a statement.
            *args: Literals to pass to the function.
            at_least: Smallest share of its time, above 0 and at most 1.
            setup: Source that runs once before.
        """
        __tracebackhide__ = True
        _refuse_no_share(at_least)
        (row,) = self._measured(
            lambda: releases(
                function,
                as_arguments(args),
                setup,
                python=() if self.python is None else (self.python,),
                at_least=100 * at_least,
                effort=self._effort,
                path=import_path(function, foreign=self.python is not None),
            )
        ).rows
        code = name_of(function)
        measurement = Measurement(
            test=self._test,
            check="releases the GIL",
            subject=code,
            outcome=self._outcome(row.answer),
            interpreter=row.case.interpreter,
            value=row.share,
            lo=row.lo,
            hi=row.hi,
            unit="fraction",
            required=at_least,
            seconds=row.seconds,
            remark=row.remark,
        )
        self._end(measurement, _sentence_of_release(row, code, at_least))
        return row

    @contextlib.contextmanager
    def profile(self, observe: str = "gil") -> Iterator[BlockProfile]:
        """Profile this process during a block. After it, the profile has its values, for all threads and for each.

        >>> with gilbench.profile() as profile:
        ...     serve()
        >>> assert profile.gil_wait < 0.2

        The test is skipped if this process may not be observed.

        Args:
            observe: Observers: gil, and stacks and syscalls if wanted.
        """
        __tracebackhide__ = True
        with self._turn(), contextlib.ExitStack() as stack:
            try:
                found = stack.enter_context(profiling(observe))
            except GilbenchError as error:
                self._end_without_profile(error)
            yield found
            try:
                stack.close()
            except GilbenchError as error:
                self._end_without_profile(error)
        measurement = Measurement(
            test=self._test,
            check="profile",
            subject="this process",
            outcome="measured",
            threads=len(found.threads),
            value=found.gil_wait,
            unit="fraction",
        )
        self._end(measurement, "")

    def _end_without_profile(self, error: GilbenchError) -> None:
        """Skip the test if this process may not be observed; fail it if the profiler has failed."""
        __tracebackhide__ = True
        outcome: Outcome = "skipped" if isinstance(error, UsageError) else "failed"
        measurement = Measurement(
            test=self._test, check="profile", subject="this process", outcome=outcome, remark=str(error)
        )
        self._end(measurement, f"cannot profile this process: {error}")

    def _outcome(self, answer: Answer) -> Outcome:
        if answer == "undecided" and self._strict:
            return "failed"
        return _OUTCOMES.get(answer, "skipped")

    def _end(self, measurement: Measurement, sentence: str, study: Study | None = None) -> None:
        """Report a measurement; fail or skip the test if it did not pass."""
        __tracebackhide__ = True
        waited, self._waited = self._waited, 0.0
        measurement = msgspec.structs.replace(measurement, waited=waited)
        self._report(msgspec.json.encode(Reported(measurement=measurement, study=study)).decode())
        if measurement.outcome == "failed":
            pytest.fail(sentence, pytrace=False)
        if measurement.outcome == "skipped":
            pytest.skip(sentence)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for other processes; a measurement inside a profiled block has the turn already."""
        if self._has_turn:
            yield
            return
        with turn(self._tell) as waited:
            self._waited, self._has_turn = waited, True
            try:
                yield
            finally:
                self._has_turn = False

    def _measured(self, measure: Callable[[], _T]) -> _T:
        """Measure in turn. An error that a user can fix fails the test; without the interpreter, it is skipped."""
        __tracebackhide__ = True
        try:
            with self._turn():
                return measure()
        except InterpreterError as error:
            missing, text = True, "; ".join(str(error).splitlines())
        except GilbenchError as error:
            missing, text = False, f"gilbench: {error}"
        if missing:
            pytest.skip(text)
        pytest.fail(text, pytrace=False)


def _refuse_no_share(at_least: float) -> None:
    __tracebackhide__ = True
    if not 0 < at_least <= 1:
        pytest.fail(f"at_least={at_least:g} is not a share; pass more than 0 and at most 1", pytrace=False)


def _of_scaling(found: Scaling, test: str, outcome: Outcome) -> Measurement:
    return Measurement(
        test=test,
        check="scales",
        subject=found.code,
        outcome=outcome,
        interpreter=found.case.interpreter if found.case else None,
        threads=found.threads,
        value=found.speedup,
        lo=found.lo,
        hi=found.hi,
        required=found.required,
        host=found.host,
        seconds=found.seconds,
        remark=found.remark,
    )


def _sentence_of_scaling(found: Scaling) -> str:
    what = f"{found.code} on {found.case.interpreter if found.case else 'this host'}, {found.threads} threads"
    if found.speedup is None:
        return f"{what}: {found.remark}"
    value = f"{what}: speedup {figure_within(found.speedup, found.lo, found.hi, 'x')}"
    if found.required is None or found.host is None:
        return f"{value}; {found.remark}"
    limit = f"at least {write(found.required, 'x')} is required"
    host = f"{write(found.at_least, 'fraction')} of what processes gain here, {write(found.host, 'x')}"
    return f"{value}; {limit} ({host}){_because(found.remark)}"


def _sentence_of_release(row: Release, code: str, at_least: float) -> str:
    what = f"{code} on {row.case.interpreter}"
    if row.share is None:
        return f"{what}: {row.remark or row.answer}"
    share = figure_within(row.share, row.lo, row.hi, "fraction")
    required = f"at least {write(at_least, 'fraction')} is required"
    return f"{what} runs without the GIL for {share} of its time; {required}{_because(row.remark)}"


def _because(remark: str | None) -> str:
    return f": {remark}" if remark else ""


def _workload(test: str, number: int) -> str:
    """Name the workload of a test, so that sessions can be compared: by its node ID."""
    path, _, rest = test.partition("::")
    text = f"{path.removesuffix('.py')}.{rest}{f'.{number}' if number > 1 else ''}"
    name = re.sub(r"[^\w.+-]+", "-", text).strip("-.+")
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{digest}-{name[len(name) - _LONGEST + len(digest) + 1 :]}"
