"""``gilbench fleet``: serves a fleet of hosts, and shows it."""

from __future__ import annotations

from typing import Annotated

import typer

from gilbench.cli.delivery import deliver, sort_files
from gilbench.cli.fleet_options import (
    FLEET,
    Insecure,
    TlsCa,
    TlsCert,
    TlsKey,
    access_of,
    refuse_missing_extra,
)
from gilbench.cli.listener import ConsoleListener
from gilbench.cli.options import Form, Output, Quiet, examples
from gilbench.model.errors import UsageError

_TLS = "--tls-ca ca.pem --tls-cert cert.pem --tls-key key.pem"
_SERVE = examples(
    "gilbench fleet serve",
    f"gilbench fleet serve tls://0.0.0.0:8786 {_TLS}",
    f"gilbench fleet serve --join tls://scheduler:8786 --name east {_TLS}",
)
_STATUS = examples("gilbench fleet status tcp://127.0.0.1:8786")


def register(app: typer.Typer) -> None:
    """Add the group ``fleet``."""
    group = typer.Typer(no_args_is_help=True)
    group.command("serve", epilog=_SERVE)(serve)
    group.command("status", epilog=_STATUS)(status)
    app.add_typer(
        group, name="fleet", help="Serve a fleet of hosts that measure one study, and show its hosts."
    )


def serve(
    address: Annotated[
        str | None,
        typer.Argument(
            metavar="URL",
            help="Where the scheduler listens (default: tcp://127.0.0.1:8786, which other machines cannot reach).",
        ),
    ] = None,
    *,
    join: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Serve as a host of the scheduler at URL.", rich_help_panel=FLEET),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="With --join: name of this host (default: its name in the network).",
            rich_help_panel=FLEET,
        ),
    ] = None,
    tls_ca: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    insecure: Insecure = False,
    quiet: Quiet = False,
) -> None:
    """Serve as the scheduler of a fleet, or with --join as one of its hosts, until Ctrl-C."""
    if address is not None and join is not None:
        raise UsageError("a process is a scheduler or a host; remove URL or --join")
    if name is not None and join is None:
        raise UsageError("--name needs --join")
    refuse_missing_extra()
    from gilbench.work.fleet.serving import serve_host, serve_scheduler  # noqa: PLC0415

    access = access_of(tls_ca, tls_cert, tls_key)
    with ConsoleListener(quiet=quiet) as listener:
        if join is None:
            serve_scheduler(address, access, listener, insecure=insecure)
        else:
            serve_host(join, access, name, listener, insecure=insecure)


def status(
    address: Annotated[str, typer.Argument(metavar="URL", help="Address of the scheduler.")],
    *,
    tls_ca: TlsCa = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    output: Output = None,
    form: Form = "terminal",
) -> None:
    """Show the hosts of a fleet: what they are, whether their gilbench fits, and what they measure."""
    files = sort_files(output, "FleetStatus")
    refuse_missing_extra()
    from gilbench.model.fleet import Fleet  # noqa: PLC0415
    from gilbench.work.fleet.serving import read_address, read_status  # noqa: PLC0415

    deliver(read_status(Fleet(read_address(address), access_of(tls_ca, tls_cert, tls_key))), form, files)
