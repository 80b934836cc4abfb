"""The ways to check, and the options without effect on each: a study, a measurement, or a profile with limits."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import typer

from gilbench.cli.options import typed
from gilbench.cli.program import PARAMETERS
from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt

HISTORY = "history"
# Parameters that need --python and --against, and those of any check of studies.
MEASURED = (
    "python",
    "against",
    "env",
    "workload",
    "family",
    "call",
    "arg",
    "setup",
    "shared",
    "pyperf",
    "pyperf_benchmark",
    "threads",
    "effort",
    "old_effort",
    "count",
    "seed",
    "layout",
    "explain",
    "fleet",
    "hosts",
    "tls_ca",
    "tls_cert",
    "tls_key",
    *PARAMETERS,
)
OF_STUDIES = (*MEASURED, "baseline", "known_bad", "metric")


def way_of(
    context: typer.Context, study: Path | None, limit: Sequence[str] | None, against: str | None
) -> Literal["limit", "baseline", "measure"]:
    """Return how to check. The command line decides, then the kind of FILE, then the options that a file sets."""
    if typed(context, "limit"):
        return "limit"
    if typed(context, "baseline"):
        return "baseline"
    if typed(context, "python", "against"):
        return "measure"
    if study is None:
        return "measure" if against else "baseline"
    from gilbench.work.read import kind_of  # noqa: PLC0415

    return "limit" if limit and kind_of(study) == "profile" else "baseline"


def refuse_useless(
    context: typer.Context, way: str, baseline: str | None, words: Sequence[str] | None
) -> None:
    """Refuse options without effect with this way to check or this baseline, and arguments after the file."""
    if way != "measure" and words and len(words) > 1:
        raise UsageError(
            f"unexpected argument {excerpt(words[1], 40)!r}; to measure a command: --python NEW --against OLD"
        )
    if way == "measure" and words and _is_result(words[0]):
        raise UsageError(
            f"{words[0]} is not measured again; pass it with --baseline or --limit, or only --python and --against"
        )
    if baseline != HISTORY and typed(context, "database", "branch"):
        raise UsageError("--database and --branch need --baseline history")
    if baseline in {None, HISTORY} and typed(context, "allow_unpaired"):
        raise UsageError("--allow-unpaired needs --baseline STUDY; other checks have no unpaired rows")
    if way != "measure" and typed(context, "explain"):
        raise UsageError("--explain observes both interpreters now; use it with --python NEW --against OLD")


def _is_result(name: str) -> bool:
    """Return whether a word is a file of results, which is no command."""
    return os.path.isfile(name) and not os.access(name, os.X_OK)  # noqa: PTH113 - a word need not be a path
