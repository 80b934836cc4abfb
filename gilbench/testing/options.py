"""The options of the plugin."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

EFFORTS = ("quick", "standard", "rigorous")


class Options(NamedTuple):
    """The options of a session."""

    save: Path | None
    compare: Path | None
    report: Path | None
    effort: str
    strict: bool
    allow_unpaired: bool


def add_options(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("gilbench", "measure threads and the GIL (gilbench)")
    group.addoption("--gilbench-save", metavar="FILE", help="save what the tests measured as a study")
    group.addoption(
        "--gilbench-compare",
        metavar="FILE",
        help="compare with an earlier study, and fail if a call regressed; with --gilbench-save of the same file, "
        "each run is compared with the last one",
    )
    group.addoption(
        "--gilbench-report", metavar="FILE", help="write the summary to FILE: .json, .md, .csv, or .txt"
    )
    group.addoption(
        "--gilbench-effort", choices=EFFORTS, default="quick", help="effort level (default: quick)"
    )
    group.addoption(
        "--gilbench-strict", action="store_true", help="fail if a result is undecided, instead of skipping"
    )
    group.addoption(
        "--gilbench-allow-unpaired",
        action="store_true",
        help="also compare throughputs, although the host's speed may have changed in between (default: only speedups)",
    )


def options_of(config: pytest.Config) -> Options:
    """Return the options of a session.

    Raises:
        pytest.UsageError: A file has an unknown ending.
    """
    save, compare, report = (
        Path(value) if (value := config.getoption(f"gilbench_{name}")) else None
        for name in ("save", "compare", "report")
    )
    if report is not None and report.suffix not in {".json", ".md", ".csv", ".txt"}:
        raise pytest.UsageError(
            f"--gilbench-report {report}: unknown file type; end it in .json, .md, .csv, or .txt"
        )
    return Options(
        save=save,
        compare=compare,
        report=report,
        effort=config.getoption("gilbench_effort"),
        strict=config.getoption("gilbench_strict"),
        allow_unpaired=config.getoption("gilbench_allow_unpaired"),
    )
