"""The command line: from options to a use case of ``gilbench.work``, to a page, to an exit code.

Exit codes: 0 success; 1 regression (``check``); 2 wrong usage or unreadable input; 3 inconclusive (``--strict``);
4 some runs failed, and the rest is saved; 70 internal error, a bug; 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gilbench.cli import output
from gilbench.cli.exhaustion import report_in_threads, system_error
from gilbench.model.errors import EXIT_INTERRUPTED, GilbenchError
from gilbench.model.excerpt import excerpt
from gilbench.version import __version__

if TYPE_CHECKING:
    from gilbench.cli.configuration import Configurations

# Each module has register(app). Heavy imports are inside the commands, so that --help is fast.
COMMANDS = (
    "run",
    "timeit",
    "releases",
    "report",
    "compare",
    "check",
    "history",
    "fleet",
    "export",
    "profile",
    "watch",
    "scorecard",
    "pythons",
    "workloads",
    "selftest",
    "system",
    "config",
    "guide",
    "schema",
    "validate",
)
EXIT_WRONG_USE = 2
EXIT_INTERNAL = 70  # EX_SOFTWARE of sysexits.h, which no verdict uses
SHOW_TRACEBACK = "GILBENCH_TRACEBACK"  # variable; if it is not empty, an internal error prints its traceback
_EXAMPLES = (
    "gilbench run --python 3.13 --python 3.13t",
    "gilbench profile -- python app.py",
    "gilbench check --python ./new/bin/python3 --against ./old/bin/python3",
    "gilbench COMMAND --help",
)
_LONGEST_REASON = 200  # characters


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit code. ``--version`` needs no heavy import."""
    with output.streams():
        report_in_threads()
        try:
            if list(argv) == ["--version"]:
                output.write(f"gilbench {__version__}\n")
                return 0
            code = _run(argv)
            output.stdout().flush()
        except BrokenPipeError:  # the reader of the output has ended, for example ``| head``
            return 0
        except GilbenchError as error:
            output.complain(str(error))
            return error.exit_code
        except KeyboardInterrupt:
            output.complain("interrupted")
            return EXIT_INTERRUPTED
        except Exception as error:  # noqa: BLE001 - its exit code must not be that of a verdict
            reason = system_error(error)
            if reason is None:
                return _report_bug(error)
            output.complain(reason)
            return EXIT_WRONG_USE
        return code


def _run(argv: Sequence[str]) -> int:
    import typer  # noqa: PLC0415 - not needed for --version

    from gilbench.cli.options import examples  # noqa: PLC0415 - likewise
    from gilbench.cli.root import root  # noqa: PLC0415 - likewise

    app = typer.Typer(
        name="gilbench",
        epilog=examples(*_EXAMPLES),
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )

    configured: list[Configurations] = []
    app.callback()(root(configured.append))
    _hide_types()
    # Import only the module of the called command; for the list in --help, import all.
    for name in [argv[0]] if argv and argv[0] in COMMANDS else COMMANDS:
        importlib.import_module(f"gilbench.cli.{name}").register(app)
    try:
        # Not standalone: a command returns its exit code, and gilbench writes the errors.
        result = app(args=list(argv), prog_name="gilbench", standalone_mode=False)
    except _wrong_use() as error:
        return _refuse(error)
    except GilbenchError as error:
        origins = [origin for one in configured if (origin := one.origin(str(error)))]
        output.complain("; ".join((str(error), *origins)))
        return error.exit_code
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # rich exits if the reader has ended
            return 0
        return ended.code if isinstance(ended.code, int) else 1
    return int(result or 0)


def _hide_types() -> None:
    """Hide Python types in help. An option's metavar describes its value, and a flag has none."""
    from typer.core import TyperArgument, TyperOption  # noqa: PLC0415 - not needed for --version

    def nothing(_parameter: TyperArgument, *_: object, **__: object) -> None:
        return None

    def metavar(option: TyperOption, *_: object, **__: object) -> str | None:
        return option.metavar

    TyperArgument.display_type_rich = nothing  # type: ignore[method-assign, assignment]
    TyperOption.display_type_rich = metavar  # type: ignore[method-assign, assignment]


def _wrong_use() -> type[Exception]:
    """Return the base class of typer's usage errors, which typer does not export."""
    import typer  # noqa: PLC0415 - not needed for --version

    base = next(
        one
        for one in typer.BadParameter.__mro__
        if one.__name__ == "ClickException" and issubclass(one, Exception)
    )
    assert issubclass(base, Exception)  # noqa: S101 - for mypy
    return base


def _refuse(error: Any) -> int:
    """Write a usage error and the command of its help, and return the exit code."""
    message, command = error.format_message(), error.ctx.command_path if error.ctx else "gilbench"
    if message:  # empty if a command without arguments has shown its help
        output.complain(f"{message.rstrip('.')}; see {command} --help")
    return int(error.exit_code)


def _report_bug(error: Exception) -> int:
    """Report an internal error in one line. The traceback goes to a file, or to the terminal if requested."""
    text = "".join(traceback.format_exception(error))
    if os.environ.get(SHOW_TRACEBACK):
        output.stderr().write(text)
        where = "please report it with the lines above"
    elif (path := _keep(text)) is not None:
        where = f"please report it with {path}"
    else:
        where = f"please report it with the output of {SHOW_TRACEBACK}=1"
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    output.complain(f"internal error: {excerpt(reason, _LONGEST_REASON)}; {where}")
    return EXIT_INTERNAL


def _keep(text: str) -> Path | None:
    """Save a traceback and return its file; None: the file cannot be written."""
    from platformdirs import user_state_path  # noqa: PLC0415

    path = user_state_path("gilbench").joinpath("traceback.txt")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", "backslashreplace")
    except OSError:
        return None
    return path
