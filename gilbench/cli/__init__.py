"""The command line: one module per command, errors turned into lines and exit codes here and nowhere else.

Exit codes: 0 good; 1 a regression (``check``); 2 wrong use or unreadable input; 3 inconclusive where
``--strict`` asks; 4 some runs failed and the rest is saved; 130 interrupted twice.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

# Each module has register(app), and imports what is heavy inside the command, so that --help stays fast.
COMMANDS = {
    "run": "run",
    "report": "report",
    "compare": "compare",
    "check": "check",
    "history": "history",
    "profile": "profile",
    "workloads": "workloads",
    "selftest": "selftest",
    "pythons": "pythons",
    "scorecard": "scorecard",
    "system": "system",
}


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    import typer  # noqa: PLC0415 - not needed for --version

    from gilbench.errors import GilbenchError  # noqa: PLC0415

    app = typer.Typer(
        name="gilbench",
        help="Measure the real GIL: what it costs, who holds it, who waits, and what changes when it is gone.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    # Only the module of the command that is called is imported, all of them for the list in --help.
    names = [COMMANDS[argv[0]]] if argv and argv[0] in COMMANDS else COMMANDS.values()
    for name in names:
        importlib.import_module(f"gilbench.cli.{name}").register(app)
    # click's base of all such errors, which typer does not export
    wrong_use: type[Exception] = typer.BadParameter.__mro__[2]
    try:
        # Not standalone: what a command returns is the exit code, and its errors are ours to write.
        result = app(args=list(argv), prog_name="gilbench", standalone_mode=False)
    except GilbenchError as error:
        _complain(str(error))
        return error.exit_code
    except wrong_use as error:
        return _refuse(error)
    except KeyboardInterrupt:
        sys.stderr.write("gilbench: interrupted\n")
        return 130
    except BrokenPipeError:  # the reader of our output has gone, e.g. ``| head``
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # the same, as rich tells it
            return 0
        return ended.code if isinstance(ended.code, int) else 1
    return int(result or 0)


def _complain(text: str) -> None:
    from gilbench.render.figures import printable  # noqa: PLC0415

    lines = map(printable, text.splitlines())  # it may quote a file, or an argument
    sys.stderr.write("gilbench: " + "\n".join(lines) + "\n")


def _refuse(error: Any) -> int:
    """Say what is wrong with the command line, and where its help is."""
    said, where = error.format_message(), error.ctx.command_path if error.ctx else "gilbench"
    if said:  # a command that was called without anything has shown its help
        _complain(f"{said.rstrip('.')}; see {where} --help")
    return int(error.exit_code)


def _root() -> None:
    """Measure the real GIL: what it costs, who holds it, who waits, and what changes when it is gone."""
