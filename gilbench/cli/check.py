"""``gilbench check``: the gate for CI, which fails where something got worse."""

from __future__ import annotations

import importlib.util
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from gilbench.cli import output as printing
from gilbench.cli.files import refuse_unwritable
from gilbench.cli.options import Fdr, Threshold
from gilbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gilbench.analyse.gate import Gate
    from gilbench.cli.judging import Judged, Limits
    from gilbench.render.check import Check
    from gilbench.store.known_bad import Known

EXIT_REGRESSION = 1
EXIT_INCONCLUSIVE = 3
EXIT_FAILED_RUNS = 4
EXIT_INTERRUPTED = 130
HISTORY = "history"
DEFAULT_THREADS = "1,cores,2x"
DEFAULT_PROFILE = "standard"


class Format(StrEnum):
    """Who reads the answer."""

    terminal = "terminal"
    json = "json"
    markdown = "markdown"
    github = "github"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(
    study: Annotated[Path | None, typer.Argument(help="The study that is judged.")] = None,
    baseline: Annotated[
        str | None, typer.Option(help="An earlier study; or 'history' for the level that it stands on.")
    ] = None,
    python: Annotated[str | None, typer.Option(help="Measure this interpreter now, and judge it.")] = None,
    against: Annotated[
        str | None, typer.Option(help="The interpreter that --python is held against, interleaved.")
    ] = None,
    workload: Annotated[list[str] | None, typer.Option(help="Names or patterns, e.g. 'tcp_*'.")] = None,
    family: Annotated[list[str] | None, typer.Option(help="A family of workloads, e.g. cpu or io.")] = None,
    threads: Annotated[
        str | None, typer.Option(help=f"Thread counts, {DEFAULT_THREADS} if absent.", show_default=False)
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help=f"quick, standard or rigorous; {DEFAULT_PROFILE} if absent.", show_default=False),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of every random order of --against.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The study of --against.")] = None,
    database: Annotated[str | None, typer.Option(help="The history: a file (SQLite) or a URL.")] = None,
    branch: Annotated[str | None, typer.Option(help="Only studies of this branch of the history.")] = None,
    threshold: Threshold = 2.0,
    fdr: Fdr = 5.0,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="Only these, by name or pattern; throughput, latency and delivery if absent."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 if a row is inconclusive.")] = False,
    known_bad: Annotated[
        Path | None, typer.Option(help="Rows that may be bad, each with its reason (TOML).")
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="What is printed; github: annotations, and the step summary.")
    ] = Format.terminal,
    markdown: Annotated[Path | None, typer.Option(help="Also write a file for a comment.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Also write a file for a CI's list of tests.")] = None,
    json: Annotated[Path | None, typer.Option(help="Also write a file for programs.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no notes.")] = False,
) -> int:
    """Fail where something got worse: check STUDY --baseline FILE, or check --python NEW --against OLD.

    --against is the one to rely on: both are measured now, interleaved, so that what the host does meanwhile
    happens to both. Two studies are compared by a reference that both measured; without one, figures of
    different hours are compared, which on shared hosts is weak, and said.
    """
    if baseline != HISTORY and (database or branch):
        raise UsageError("--database and --branch belong to --baseline history")
    files = _Files(markdown, junit, json)
    files.refuse_early()
    known = _read_known(known_bad)

    from gilbench.cli.judging import Limits, judge_by_history, judge_by_study, judge_measured  # noqa: PLC0415
    from gilbench.cli.planning import Asked  # noqa: PLC0415

    limits = Limits(tuple(metric or ()), threshold / 100, fdr / 100)
    measured = (python, against, workload, family, threads, profile, seed, output)
    if study is not None and baseline is not None:
        if any(choice is not None and choice != [] for choice in measured):
            raise UsageError("a STUDY is judged as it is; to measure, use --python NEW --against OLD instead")
        if baseline == HISTORY:
            judged = judge_by_history(study, database, branch, limits)
        else:
            judged = judge_by_study(study, Path(baseline), limits)
    elif python is not None and against is not None and study is None and baseline is None:
        asked = Asked(
            workload=workload or (),
            family=family or (),
            threads=threads or DEFAULT_THREADS,
            profile=profile or DEFAULT_PROFILE,
            seed=seed,
        )
        judged = judge_measured(python, against, asked, output, limits, quiet=quiet)
    else:
        raise UsageError(
            "what is judged by what? gilbench check STUDY --baseline FILE (or history),\n"
            "or gilbench check --python NEW --against OLD"
        )
    return _conclude(judged, known, limits, form, files, strict=strict)


class _Files(NamedTuple):
    """Where else the answer goes."""

    markdown: Path | None
    junit: Path | None
    json: Path | None

    def refuse_early(self) -> None:
        """Find out before anything is measured what could not be written after it."""
        if self.junit is not None and importlib.util.find_spec("junitparser") is None:
            raise UsageError("--junit needs junitparser: pip install 'gilbench[ci]'")
        for path in self:
            if path is not None:
                refuse_unwritable(path)

    def write(self, answer: Check) -> None:
        """Write those that are asked for."""
        from gilbench.render.check import check_json  # noqa: PLC0415
        from gilbench.render.check_markdown import render_check_markdown  # noqa: PLC0415

        if self.markdown is not None:
            _write(self.markdown, render_check_markdown(answer).encode())
        if self.json is not None:
            _write(self.json, check_json(answer).encode())
        if self.junit is not None:
            from gilbench.render.junit import render_junit  # noqa: PLC0415

            _write(self.junit, render_junit(answer))


def _read_known(path: Path | None) -> tuple[Known, ...]:
    from gilbench.store.known_bad import read_known_bad  # noqa: PLC0415

    return () if path is None else read_known_bad(path)


def _conclude(
    judged: Judged,
    known: Sequence[Known],
    limits: Limits,
    form: Format,
    files: _Files,
    *,
    strict: bool,
) -> int:
    """Come to a verdict, write it everywhere, and say how to exit."""
    from gilbench.analyse.gate import failed_cases, judge  # noqa: PLC0415
    from gilbench.render.check import Check  # noqa: PLC0415

    gate = judge(judged.rows, known, failed_cases(judged.study))
    code = EXIT_INTERRUPTED if judged.interrupted else _exit_code(gate, strict=strict)
    answer = Check(
        gate=gate,
        created=judged.study.header.created,
        against=judged.against,
        warnings=judged.warnings,
        threshold=limits.threshold,
        fdr=limits.fdr,
        exit_code=code,
    )
    try:
        _print(answer, form)
    finally:  # a log that is full costs no file
        files.write(answer)
    return code


def _exit_code(gate: Gate, *, strict: bool) -> int:
    if gate.verdict == "regressed":
        return EXIT_REGRESSION
    if gate.failed:
        return EXIT_FAILED_RUNS
    return EXIT_INCONCLUSIVE if strict and gate.verdict == "inconclusive" else 0


def _print(answer: Check, form: Format) -> None:
    from gilbench.render.check import check_json  # noqa: PLC0415
    from gilbench.render.check_markdown import render_check_markdown  # noqa: PLC0415

    if form is Format.terminal:
        from gilbench.render.check_terminal import render_check  # noqa: PLC0415

        render_check(answer, printing.console())
    elif form is Format.json:
        printing.write(check_json(answer))
    elif form is Format.markdown:
        printing.write(render_check_markdown(answer))
    else:
        from gilbench.render.github import render_annotations  # noqa: PLC0415

        printing.write_commands(render_annotations(answer))
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            _write(Path(summary), render_check_markdown(answer).encode(), append=True)


def _write(path: Path, content: bytes, *, append: bool = False) -> None:
    try:
        with path.open("ab" if append else "wb") as file:
            file.write(content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another place") from error
