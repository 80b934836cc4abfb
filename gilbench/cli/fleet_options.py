"""Options that name a fleet."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Annotated

import typer

from gilbench.cli.options import typed
from gilbench.model.errors import UsageError

if TYPE_CHECKING:
    from gilbench.model.fleet import Access, Fleet

FLEET = "Fleet"  # panel of --help

FleetAddress = Annotated[
    str | None,
    typer.Option(
        "--fleet",
        metavar="URL",
        help="Measure on the hosts of this fleet: tcp://HOST:PORT or tls://HOST:PORT.",
        rich_help_panel=FLEET,
    ),
]
Hosts = Annotated[
    str | None,
    typer.Option(
        "--hosts",
        metavar="CONDITION",
        help="Only hosts of the fleet that have this, for example 'cores>=8 and 3.14t'.",
        rich_help_panel=FLEET,
    ),
]
TlsCa = Annotated[
    str | None,
    typer.Option(
        "--tls-ca",
        metavar="FILE",
        help="CA certificate that signed the fleet's certificates (PEM).",
        rich_help_panel=FLEET,
    ),
]
TlsCert = Annotated[
    str | None,
    typer.Option(
        "--tls-cert", metavar="FILE", help="Certificate of this machine (PEM).", rich_help_panel=FLEET
    ),
]
TlsKey = Annotated[
    str | None,
    typer.Option(
        "--tls-key", metavar="FILE", help="Private key of this machine (PEM).", rich_help_panel=FLEET
    ),
]
Insecure = Annotated[
    bool,
    typer.Option(
        "--insecure",
        help="Without TLS, serve other machines, or join a scheduler on one. Anyone who can reach the scheduler can "
        "then run programs on every host.",
        rich_help_panel=FLEET,
    ),
]


def fleet_of(
    context: typer.Context,
    address: str | None,
    hosts: str | None,
    ca: str | None,
    cert: str | None,
    key: str | None,
) -> Fleet | None:
    """Return the fleet of a command; None: it measures on this machine.

    Raises:
        UsageError: The address or a condition is invalid, the extra is not installed, or options need others.
    """
    if address is None:
        if typed(context, "hosts", "tls_ca", "tls_cert", "tls_key"):
            raise UsageError("--hosts, --tls-ca, --tls-cert, and --tls-key need --fleet")
        return None
    refuse_missing_extra()
    from gilbench.model.fleet import Fleet  # noqa: PLC0415
    from gilbench.plan.host_choice import parse_hosts  # noqa: PLC0415
    from gilbench.work.fleet.serving import read_address  # noqa: PLC0415

    if hosts is not None:
        parse_hosts(hosts)
    return Fleet(read_address(address), access_of(ca, cert, key), hosts)


def access_of(ca: str | None, cert: str | None, key: str | None) -> Access | None:
    """Return the files of TLS; None: there are none.

    Raises:
        UsageError: Some are missing.
    """
    if ca is None and cert is None and key is None:
        return None
    if ca is None or cert is None or key is None:
        raise UsageError("TLS needs all of --tls-ca, --tls-cert, and --tls-key")
    from gilbench.model.fleet import Access  # noqa: PLC0415

    return Access(ca, cert, key)


def refuse_missing_extra() -> None:
    """Check that the extra is installed.

    Raises:
        UsageError: It is not.
    """
    if importlib.util.find_spec("distributed") is None:
        raise UsageError("a fleet needs distributed: pip install 'gilbench[fleet]'")
