"""``gilbench watch``: figures of a running service, for months."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gilbench.cli import output as printing
from gilbench.cli.options import OUTPUT, examples
from gilbench.model.errors import UsageError
from gilbench.render.guard import printable
from gilbench.work.listener import WatchListener

if TYPE_CHECKING:
    from gilbench.host.otlp_sender import OtlpSender
    from gilbench.host.page_server import PageServer
    from gilbench.model.watch import WatchEvent, WatchState

_EXAMPLES = examples(
    "gilbench watch --pid 1234 --listen 127.0.0.1:9123",
    "gilbench watch --match 'gunicorn.*app:main' --file /var/lib/gilbench/app.jsonl",
    "gilbench watch --alert 'gil_wait>30% for 1m' --profile-on-alert profiles -- python app.py",
)
_ALERTS = "Alerts"


def register(app: typer.Typer) -> None:
    """Add the command."""
    settings = {"allow_interspersed_args": False}
    app.command("watch", epilog=_EXAMPLES, context_settings=settings)(watch)


def watch(
    command: Annotated[
        list[str] | None,
        typer.Argument(help="Program and its arguments, after --.", metavar="-- COMMAND"),
    ] = None,
    *,
    pid: Annotated[
        int | None, typer.Option("-p", "--pid", metavar="PID", help="Watch a running process.")
    ] = None,
    match: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Watch the oldest Python process whose command line matches, and its successor after a restart. Of a "
            "server that forks, watch its oldest worker.",
        ),
    ] = None,
    interval: Annotated[
        str, typer.Option(metavar="DURATION", help="Length of an interval, for example 10s or 1m.")
    ] = "10s",
    max_cost: Annotated[
        str,
        typer.Option(
            metavar="PERCENT",
            help="CPU time that the whole watch may use, in % of one CPU. It takes fewer and cheaper samples, or "
            "none, before it uses more.",
        ),
    ] = "1%",
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Serve OpenMetrics at /metrics of this address: HOST:PORT, for example 127.0.0.1:9123, or "
            "unix:PATH.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    public: Annotated[
        bool,
        typer.Option(
            "--public",
            help="Accept an address for --listen that other hosts can reach; anyone there can read the page.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    otlp: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Send the metrics to an OpenTelemetry collector, for example http://localhost:4318.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Append each interval to FILE (JSON Lines; gilbench report opens it); older lines move to FILE.1.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    file_size: Annotated[
        str,
        typer.Option(
            metavar="SIZE", help="Largest size of FILE and FILE.1 together.", rich_help_panel=OUTPUT
        ),
    ] = "10MB",
    alert: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE",
            help="Fire once when a value exceeds a limit, such as 'gil_wait>30% for 1m' or "
            "'worker-*: longest_hold>100ms'. Repeatable.",
            rich_help_panel=_ALERTS,
        ),
    ] = None,
    on_alert: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="Program to run when an alert fires or clears; it gets the alert as JSON on stdin. No shell.",
            rich_help_panel=_ALERTS,
        ),
    ] = None,
    annotate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append alerts to FILE (JSON Lines).", rich_help_panel=_ALERTS),
    ] = None,
    profiles: Annotated[
        Path | None,
        typer.Option(
            "--profile-on-alert",
            metavar="DIR",
            help="Profile the program for 10 s when an alert fires; at most one profile in 10 min, and 20 in DIR.",
            rich_help_panel=_ALERTS,
        ),
    ] = None,
) -> int:
    """Watch a service for months: GIL held, GIL wait, and longest holds by group of threads, for less than 1% of a CPU.

    A started program keeps its streams and exit code; events go to stderr.
    """
    if (on_alert or annotate or profiles) and not alert:
        raise UsageError(
            "--on-alert, --annotate, and --profile-on-alert need an alert: --alert 'gil_wait>30% for 1m'"
        )
    from gilbench.analyse.watch.alerts import parse_alert  # noqa: PLC0415
    from gilbench.plan.axes import parse_duration  # noqa: PLC0415
    from gilbench.plan.sizes import parse_percent, parse_size  # noqa: PLC0415
    from gilbench.work.watch import WatchRequest  # noqa: PLC0415
    from gilbench.work.watch import watch as watch_program  # noqa: PLC0415

    request = WatchRequest(
        command=tuple(command or ()),
        pid=pid,
        match=match,
        interval=parse_duration("--interval", interval),
        max_cost=parse_percent("--max-cost", max_cost),
        alerts=tuple(map(parse_alert, alert or ())),
        on_alert=on_alert,
        annotate=annotate,
        profiles=profiles,
        file=file,
        file_size=parse_size("--file-size", file_size),
    )
    with contextlib.ExitStack() as opened:
        return watch_program(request, _WatchConsole(opened, listen, otlp, public=public))


class _WatchConsole(WatchListener):
    """Writes events to stderr, and the values to the server and to the collector.

    Args:
        opened: Closes what is opened here.
        listen: Address to serve metrics on; None: none.
        otlp: URL of a collector; None: none.
        public: Other hosts may reach the address.
    """

    def __init__(
        self, opened: contextlib.ExitStack, listen: str | None, otlp: str | None, *, public: bool
    ) -> None:
        self._server: PageServer | None = None
        self._sender: OtlpSender | None = None
        if listen is not None:
            from gilbench.host.page_server import PageServer  # noqa: PLC0415

            self._server = PageServer(listen, public=public)
            opened.callback(self._server.close)
            self.note(f"serving {self._server.address}")
        if otlp is not None:
            from gilbench.host.otlp_sender import OtlpSender  # noqa: PLC0415

            self._sender = OtlpSender(otlp, self.note)
            opened.callback(self._sender.close)

    def note(self, text: str) -> None:
        """Write a line with the time."""
        stream = printing.stderr()
        stream.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {printable(text)}\n")
        stream.flush()

    def happened(self, event: WatchEvent) -> None:
        """Write an event."""
        self.note(event.text)

    def seen(self, state: WatchState) -> None:
        """Publish the values."""
        if self._server is not None:
            from gilbench.render.watch_metrics import write_watch_metrics  # noqa: PLC0415

            self._server.publish(write_watch_metrics(state))
        if self._sender is not None:
            from gilbench.render.otlp import otlp_metrics  # noqa: PLC0415 - an extra

            self._sender.send(otlp_metrics(state))
