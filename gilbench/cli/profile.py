"""``gilbench profile``: who holds the GIL of a program, who waits for it, and what removing it would give."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gilbench.cli import output as printing
from gilbench.cli.files import refuse_unwritable
from gilbench.cli.options import Format
from gilbench.errors import GilbenchError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from gilbench.program import ProgramProfile

_SIGNALLED = 128  # and the signal's number: exit code of a program that a signal ended
_SUFFIXES = (".json", ".perfetto-trace", ".speedscope.json")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("profile", context_settings={"allow_interspersed_args": False})(profile)


def profile(
    command: Annotated[
        list[str] | None,
        typer.Argument(help="The program and its arguments, behind --.", metavar="-- COMMAND"),
    ] = None,
    pid: Annotated[int | None, typer.Option(help="A process that runs, instead of a command.")] = None,
    duration: Annotated[
        float | None, typer.Option(min=0.01, help="Seconds; without it until the program ends, or Ctrl-C.")
    ] = None,
    children: Annotated[
        bool, typer.Option("--children", help="Watch the processes that it starts, too.")
    ] = False,
    live: Annotated[bool, typer.Option("--live", help="Draw the table again and again, like top.")] = False,
    observe: Annotated[
        str,
        typer.Option(help="Beside the GIL: stacks for functions, syscalls; gil for nothing else."),
    ] = "gil,stacks,syscalls",
    form: Annotated[Format, typer.Option("--format", help="For people or for programs.")] = Format.terminal,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A file: .json, .perfetto-trace or .speedscope.json."),
    ] = None,
    verify: Annotated[
        str | None, typer.Option(help="Run it on this free-threaded interpreter too, e.g. 3.13t.")
    ] = None,
) -> int:
    """Show who holds the GIL of a program, who waits for it, and what removing it would give.

    A program that is started here keeps its streams, its terminal and its exit code; the table goes to stderr.
    """
    if (pid is None) == (not command):
        raise UsageError("give a command, gilbench profile -- python app.py, or a process, --pid 1234")
    if output is not None and not output.name.endswith(_SUFFIXES):
        raise UsageError(f"-o {output}: the file's name must end in {', '.join(_SUFFIXES)}")
    if output is not None:
        refuse_unwritable(output)
    import msgspec  # noqa: PLC0415

    from gilbench.analyse.program_report import judge  # noqa: PLC0415
    from gilbench.cli.profiling import Profiling, Seen  # noqa: PLC0415
    from gilbench.cli.verifying import plan_verification  # noqa: PLC0415

    verification = plan_verification(command or (), verify) if verify is not None else None
    notes = printing.notes()
    trace = output if output is not None and output.name.endswith(".perfetto-trace") else None
    profiling = Profiling(_observers(observe), children=children, live=live, trace=trace)

    def tell(seen: Seen) -> None:
        verified = None
        unverified: tuple[str, ...] = ()
        if verification is not None:
            try:
                verified = verification.run(notes)
            except GilbenchError as error:  # what was seen of the program is as good as before
                unverified = (f"--verify: {error}",)
        judged = judge(
            msgspec.structs.replace(seen.profile, unavailable=(*seen.profile.unavailable, *unverified)),
            len(os.sched_getaffinity(0)),
            pieces=seen.pieces,
            verified=verified,
            verified_on=verification.threaded.name if verification else "",
        )
        try:
            _show(judged, form, printing.console(error=pid is None))
        finally:
            if output is not None:
                seen.save(judged, output)
                notes.print(f"saved {output}")

    def tell_beside(seen: Seen) -> None:
        try:
            tell(seen)
        except BrokenPipeError:  # nobody reads the report any more
            pass
        except GilbenchError as error:  # what counts is how the program ends
            printing.complain(str(error))

    if pid is not None:
        tell(profiling.attach(pid, duration))
        return 0
    status = profiling.launch(command or [], duration, tell_beside)
    return status if status >= 0 else _SIGNALLED - status


def _observers(text: str) -> tuple[str, ...]:
    from gilbench.observe.program_watch import OBSERVERS  # noqa: PLC0415

    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in {"gil", *OBSERVERS}:
            raise UsageError(f"--observe: {word[:20]!r} is none of gil, {', '.join(OBSERVERS)}")
    return tuple(word for word in words if word != "gil")


def _show(profile: ProgramProfile, form: Format, console: Console) -> None:
    if form is Format.json:
        from gilbench.render.profile_json import render_profile_json  # noqa: PLC0415

        printing.write(render_profile_json(profile) + "\n")
        return
    from gilbench.render.profile import render_profile  # noqa: PLC0415

    render_profile(profile, console)
