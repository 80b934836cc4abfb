"""``gilbench validate``: checks lists of known regressions, for example before a commit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gilbench.cli import output as printing
from gilbench.cli.options import Quiet, examples
from gilbench.model.errors import UsageError

_EXAMPLES = examples("gilbench validate known-bad.toml", "gilbench validate --quiet ci/*.toml")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("validate", epilog=_EXAMPLES)(validate)


def validate(
    file: Annotated[list[Path], typer.Argument(metavar="FILE...", help="TOML files for check --known-bad.")],
    *,
    quiet: Quiet = False,
) -> int:
    """Check lists of known regressions without measuring; exit with 2 if one is invalid."""
    from gilbench.work.validate import validate_known_bad  # noqa: PLC0415

    failed = 0
    for path in file:
        try:
            count = validate_known_bad(path)
        except UsageError as error:
            printing.complain(str(error))
            failed = error.exit_code
            continue
        if not quiet:
            printing.write(f"{path}: {count} known regression{'s'[: count != 1]}\n")
    return failed
