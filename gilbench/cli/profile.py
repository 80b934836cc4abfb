"""``gilbench profile``: which threads hold a program's GIL and wait for it, and the speedup without it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gilbench.cli import output as printing
from gilbench.cli.delivery import Files, show, sort_files
from gilbench.cli.listener import ConsoleListener
from gilbench.cli.options import OUTPUT, ChartName, ProfileForm, Refresh, examples
from gilbench.host.files import refuse_unwritable
from gilbench.model.errors import GilbenchError, UsageError
from gilbench.work.listener import ProfileListener

if TYPE_CHECKING:
    from gilbench.cli.live import LiveProfile
    from gilbench.model.events import Events
    from gilbench.model.profile import Profile

_TRACE = ".perfetto-trace"
_EXAMPLES = examples(
    "gilbench profile -- python app.py --its --options",
    "gilbench profile -p 1234 -d 10 -o profile.json",
    "gilbench profile --verify 3.13t -- python app.py",
    "gilbench profile --replay -- python app.py",
    "gilbench profile -o app.perfetto-trace -- python app.py",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    settings = {"allow_interspersed_args": False}
    app.command("profile", epilog=_EXAMPLES, context_settings=settings)(profile)


def profile(
    context: typer.Context,
    command: Annotated[
        list[str] | None,
        typer.Argument(help="Program and its arguments, after --.", metavar="-- COMMAND"),
    ] = None,
    *,
    pid: Annotated[
        int | None, typer.Option("-p", "--pid", metavar="PID", help="Attach to a running process.")
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(
            "-d",
            "--duration",
            min=0.01,
            metavar="SECONDS",
            help="Stop profiling after this many seconds (default: at exit or Ctrl-C).",
        ),
    ] = None,
    children: Annotated[
        bool, typer.Option("--children", help="Also profile the processes that it starts.")
    ] = False,
    live: Annotated[
        bool,
        typer.Option("--live", help="Redraw the table every second, like top; keys sort, filter, and group."),
    ] = False,
    observe: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help="Observers in addition to the GIL: stacks (functions), syscalls, and blocked (what threads "
            "sleep on); gil alone for none.",
        ),
    ] = "gil,stacks,syscalls,blocked",
    verify: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="Also time the command, unprofiled, on its own and this free-threaded interpreter.",
        ),
    ] = None,
    replay: Annotated[
        bool,
        typer.Option(
            "--replay",
            help="Record every event, and replay the program without the GIL on 2 to 64 CPUs (costs more).",
        ),
    ] = False,
    max_cost: Annotated[
        str,
        typer.Option(
            metavar="PERCENT",
            help="CPU time that each observer may use, in % of one CPU; one that uses more is slowed down or "
            "replaced. none: no limit.",
        ),
    ] = "5%",
    refresh: Refresh = False,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Also write FILE: .json (gilbench report opens it), .html, .md, .csv, .txt, .svg, .png, "
            f".speedscope.json, or {_TRACE}. Repeatable.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    chart: ChartName = None,
    form: ProfileForm = "terminal",
) -> int:
    """Profile a program's GIL use and estimate its speedup without the GIL.

    The program keeps its streams and exit code; the profile goes to stderr (with --pid: stdout).
    """
    traces = [path for path in output or () if path.name.endswith(_TRACE)]
    if len(traces) > 1:
        raise UsageError(f"-o names {len(traces)} timelines; name only one")
    for trace in traces:
        refuse_unwritable(trace)
    others = [path for path in output or () if path not in traces]
    files = sort_files(others, "Profile", chart=chart, printed=form, context=context)
    from gilbench.work.profile import ProfileRequest  # noqa: PLC0415
    from gilbench.work.profile import profile as profile_program  # noqa: PLC0415

    request = ProfileRequest(
        command=tuple(command or ()),
        pid=pid,
        duration=duration,
        children=children,
        observe=observe,
        trace=traces[0] if traces else None,
        replay=replay,
        max_cost=max_cost,
        verify=verify,
        live=live,
        refresh=refresh,
    )
    with _ProfileConsole(files, traces, form, live=live, started=pid is None) as listener:
        profiled = profile_program(request, listener)
    if profiled.untraced is not None:
        if pid is not None:
            raise profiled.untraced
        printing.complain(str(profiled.untraced))
    return profiled.exit_code


class _ProfileConsole(ConsoleListener, ProfileListener):
    """Shows a profile as soon as it is complete, and then saves it.

    Args:
        files: Output files.
        traces: Timelines, which are written while the program runs.
        form: Format of the printed profile.
        live: Also show each sample.
        started: gilbench started the program; then write errors must not change the program's exit code.
    """

    def __init__(self, files: Files, traces: list[Path], form: str, *, live: bool, started: bool) -> None:
        super().__init__()
        self._files, self._traces, self._form = files, traces, form
        self._started = started
        self._wanted = live
        self._live: LiveProfile | None = None
        self._events: Events | None = None

    def sample(self, profile: Profile) -> None:
        """Draw a sample."""
        if not self._wanted:
            return
        if self._live is None:
            console = printing.console(error=not sys.stdout.isatty())
            if not console.is_terminal or console.is_dumb_terminal:
                self.note("--live needs a terminal that can move the cursor; only the report is shown")
                self._wanted = False
                return
            from gilbench.cli.live import LiveProfile  # noqa: PLC0415

            self._live = self._drawn.enter_context(LiveProfile(console, started=self._started))
        self._live.sample(profile)

    def wait(self, seconds: float) -> None:
        """Read keys meanwhile."""
        if self._live is None:
            super().wait(seconds)
        else:
            self._live.wait(seconds)

    def stop(self) -> bool:
        """Whether a key or Ctrl-C asked for the end."""
        return super().stop() or (self._live is not None and self._live.ended)

    def recorded(self, events: Events) -> None:
        """Keep what each thread did, for the lanes of a page."""
        self._events = events

    def profiled(self, profile: Profile) -> None:
        """Show the complete profile, and save it."""
        self._drawn.close()
        try:
            self._tell(profile)
        except BrokenPipeError:  # the reader of the report has ended
            if not self._started:
                raise
        except GilbenchError as error:
            if not self._started:
                raise
            printing.complain(str(error))

    def _tell(self, profile: Profile) -> None:
        from gilbench.model.profile import RecordedProfile  # noqa: PLC0415

        try:
            to_stderr = self._started and self._form == "terminal"
            show(profile, self._form, error=to_stderr, chart=self._files.chart)
        finally:
            self._files.save(profile, RecordedProfile(profile, self._events))
            for path in (*self._traces, *(path for path, _ in self._files.reports)):
                self.say(f"saved {path}")
