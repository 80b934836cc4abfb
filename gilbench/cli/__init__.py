"""The command line: one module per command, errors turned into lines and exit codes here and nowhere else.

Exit codes: 0 good; 1 a regression (``check``); 2 wrong use or unreadable input; 3 inconclusive where
``--strict`` asks; 4 some runs failed and the rest is saved; 70 an internal error, which is a bug; 130 interrupted
twice.
"""

from __future__ import annotations

import errno
import importlib
import os
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gilbench import __version__
from gilbench.cli import output
from gilbench.errors import GilbenchError

EXIT_INTERNAL = 70  # EX_SOFTWARE of sysexits.h: no verdict, least of all the 1 of a regression
_LONGEST_REASON = 200  # characters
SHOW_TRACEBACK = "GILBENCH_TRACEBACK"  # set to anything: an internal error shows where it happened

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
_REMEDIES = {
    errno.EMFILE: "\nAllow more open files: ulimit -n 1024",
    errno.ENOSPC: "\nMake room, or set TMPDIR to a folder that has some",
}


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit code; ``--version`` is answered before anything heavy is imported."""
    with output.streams():
        try:
            if list(argv) == ["--version"]:
                output.write(f"gilbench {__version__}\n")
                return 0
            code = _run(argv)
            output.stdout().flush()
        except BrokenPipeError:  # the reader of our output has gone, e.g. ``| head``
            return 0
        except GilbenchError as error:
            output.complain(str(error))
            return error.exit_code
        except KeyboardInterrupt:
            output.complain("interrupted")
            return 130
        except (OSError, MemoryError) as error:  # the machine has no more of something, or does not let us
            output.complain(_refused(error))
            return 2
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not look like a verdict
            return _report_bug(error)
        return code


def _run(argv: Sequence[str]) -> int:
    import typer  # noqa: PLC0415 - not needed for --version

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
    except wrong_use as error:
        return _refuse(error)
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # the same, as rich tells it
            return 0
        return ended.code if isinstance(ended.code, int) else 1
    return int(result or 0)


def _refused(error: OSError | MemoryError) -> str:
    """Say what the system refused."""
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    where = "" if error.filename is None else f": {error.filename}"
    remedy = _REMEDIES.get(error.errno or 0, "")
    if str(error.filename).startswith("/proc/") and not Path("/proc/self").exists():
        remedy = "\n/proc is not mounted: mount -t proc proc /proc"
    return f"the system says: {error.strerror or error}{where}{remedy}"


def _report_bug(error: Exception) -> int:
    """Say in one line that gilbench has failed; the traceback goes to a file, or to the terminal if asked for."""
    text = "".join(traceback.format_exception(error))
    if os.environ.get(SHOW_TRACEBACK):
        output.stderr().write(text)
        where = "please report it with the lines above"
    elif (path := _keep(text)) is not None:
        where = f"please report it with {path}"
    else:
        where = f"please report it with what {SHOW_TRACEBACK}=1 shows"
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    output.complain(f"internal error: {reason[:_LONGEST_REASON]}; {where}")
    return EXIT_INTERNAL


def _keep(text: str) -> Path | None:
    """Save the traceback of the last internal error; None if there is no place for it."""
    from platformdirs import user_state_path  # noqa: PLC0415

    path = user_state_path("gilbench") / "traceback.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", "backslashreplace")
    except OSError:
        return None
    return path


def _refuse(error: Any) -> int:
    """Say what is wrong with the command line, and where its help is."""
    said, where = error.format_message(), error.ctx.command_path if error.ctx else "gilbench"
    if said:  # a command that was called without anything has shown its help
        output.complain(f"{said.rstrip('.')}; see {where} --help")
    return int(error.exit_code)


def _root() -> None:
    """Measure the real GIL: what it costs, who holds it, who waits, and what changes when it is gone."""
