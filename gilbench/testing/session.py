"""Collects what the tests of a session measured, and ends the session with a summary and a comparison."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from gilbench.model.errors import GilbenchError, StudyError
from gilbench.model.measurements import Measurements, Reported
from gilbench.render.formats import format_of, text_of, write
from gilbench.render.guard import without_commands
from gilbench.testing.options import Options
from gilbench.work.compare import Limits
from gilbench.work.measurements import settle

_REGRESSED, _WRONG = pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.USAGE_ERROR


class MeasuredSession:
    """The measurements of a session. With pytest-xdist, the controller has it, and the workers report to it.

    Args:
        options: Options of the plugin.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._reports: list[Reported] = []
        self._found: Measurements | None = None
        self._error: str | None = None

    def add(self, encoded: list[str]) -> None:
        """Receive the measurements of a test."""
        self._reports += [msgspec.json.decode(one, type=Reported) for one in encoded]

    def finish(self, exitstatus: int) -> int:
        """Save and compare; return the exit status of the session, which says so if the comparison failed."""
        if not self._reports:
            return exitstatus
        options = self._options
        limits = Limits(strict=options.strict, allow_unpaired=options.allow_unpaired)
        try:
            self._found = settle(self._reports, save=options.save, baseline=options.compare, limits=limits)
            if options.report is not None:
                _write(self._found, options.report)
        except GilbenchError as error:
            self._error = str(error)
            return exitstatus or _WRONG
        if self._found.check is not None and self._found.check.exit_code:
            return exitstatus or _REGRESSED
        return exitstatus

    def summary(self) -> str:
        """Return the text for the terminal; empty: nothing was measured."""
        text = "" if self._found is None else text_of(self._found, "terminal")
        return without_commands(text + (f"gilbench: {self._error}\n" if self._error else ""))


def _write(found: Measurements, path: Path) -> None:
    try:
        with path.open("w", encoding="utf-8") as file:
            write(found, format_of(path, "Measurements"), file)
    except OSError as error:
        raise StudyError(f"cannot write {path}: {error.strerror}; choose another file") from error
