"""Serves a fleet until it is told to end: as its scheduler, or as one of its hosts. Asks a scheduler who is there."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import signal
import socket
from collections.abc import Awaitable, Callable

from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt
from gilbench.model.fleet import Access, Fleet, FleetStatus, HostStatus
from gilbench.work.fleet.client import entered
from gilbench.work.fleet.host import HostService
from gilbench.work.fleet.messages import HostState
from gilbench.work.fleet.scheduler import Scheduler
from gilbench.work.fleet.software import own_software
from gilbench.work.fleet.wire import listen
from gilbench.work.listener import Listener

_NAME = re.compile(r"[\w.-]{1,60}")
_PORT = 8786  # Dask's
_ADDRESS = re.compile(r"(?P<scheme>\w+)://(?P<host>\[[0-9a-fA-F:.%]+\]|[\w.-]+)(?::(?P<port>\d{1,5}))?/?")


def read_address(text: str) -> str:
    """Return the address of a scheduler with its port.

    Raises:
        UsageError: It is not ``tcp://HOST:PORT`` or ``tls://HOST:PORT``.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or match["scheme"] not in {"tcp", "tls"} or int(match["port"] or 1) >= 1 << 16:
        raise UsageError(
            f"{excerpt(text, 60)!r} is not the address of a fleet; use tcp://HOST:PORT, or tls://HOST:PORT with TLS"
        )
    return f"{match['scheme']}://{match['host']}:{match['port'] or _PORT}"


def serve_scheduler(
    address: str | None, access: Access | None, listener: Listener, *, insecure: bool = False
) -> None:
    """Serve a fleet as its scheduler until SIGINT or SIGTERM.

    Args:
        address: Where to listen; None: on the loopback interface.
        access: Files of TLS; None: connections are not encrypted.
        listener: Receives notes.
        insecure: Serve other machines without TLS.

    Raises:
        UsageError: The address cannot be used, or can be reached from other machines without TLS.
    """
    given = read_address(address or f"{'tls' if access else 'tcp'}://127.0.0.1:{_PORT}")
    _refuse_open(given, access, insecure=insecure)

    async def serve() -> None:
        scheduler = Scheduler(listener)
        listening = await listen(given, access, scheduler.serve)
        listener.note(f"the scheduler listens at {listening.address}")
        listener.note(f"add a host: gilbench fleet serve --join {listening.address}")
        try:
            await asyncio.Event().wait()
        finally:
            listening.stop()
            await scheduler.close()

    asyncio.run(_until_told(serve))


def serve_host(
    address: str, access: Access | None, name: str | None, listener: Listener, *, insecure: bool = False
) -> None:
    """Serve this machine as a host of a fleet until SIGINT or SIGTERM.

    Args:
        address: Address of the scheduler.
        access: Files of TLS; None: the connection is not encrypted.
        name: Name of the host; None: its name in the network.
        listener: Receives notes.
        insecure: Obey a scheduler on another machine without TLS.

    Raises:
        UsageError: The scheduler cannot be reached, or does not accept the host.
    """
    given = read_address(address)
    _refuse_open(given, access, insecure=insecure)
    named = name if name is not None else socket.gethostname()
    if not _NAME.fullmatch(named):
        raise UsageError(
            f"{excerpt(named, 60)!r} is not a name of a host; pass --name with letters, digits, '.', '-', '_'"
        )
    service = HostService(given, access, named, listener)
    asyncio.run(_until_told(service.serve))


def read_status(fleet: Fleet) -> FleetStatus:
    """Ask a scheduler which hosts are there.

    Raises:
        UsageError: It cannot be reached.
    """

    async def ask() -> FleetStatus:
        async with entered(fleet) as client:
            ours = own_software()
            return FleetStatus(
                gilbench=ours.version,
                digest=ours.digest,
                scheduler=fleet.address,
                scheduler_gilbench=client.software.version,
                scheduler_digest=client.software.digest,
                hosts=tuple(_status(client.hosts[name]) for name in sorted(client.hosts)),
            )

    return asyncio.run(ask())


def _status(state: HostState) -> HostStatus:
    facts, software = state.facts, state.software
    return HostStatus(
        name=facts.name,
        gilbench=software.version,
        digest=software.digest,
        fits=software == own_software(),
        doing=state.doing or None,
        blocks=state.blocks,
        cores=facts.cores,
        cpus=facts.cpus,
        memory=facts.memory,
        machine=facts.machine,
        system=facts.system,
        kernel=facts.kernel,
        cpu_model=facts.cpu_model,
        root=facts.root,
        virtualisation=facts.virtualisation,
        interpreters=facts.interpreters,
    )


async def _until_told(serve: Callable[[], Awaitable[None]]) -> None:
    """Serve until SIGINT or SIGTERM, and then clean up."""
    task = asyncio.ensure_future(serve())
    loop = asyncio.get_running_loop()
    told = False

    def end() -> None:
        nonlocal told
        told = True
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    if not told and task.cancelled():
        raise asyncio.CancelledError


def _refuse_open(address: str, access: Access | None, *, insecure: bool) -> None:
    """Refuse connections to other machines without TLS, unless the user wants them."""
    if access is None and not insecure and not _is_loopback(address):
        raise UsageError(
            f"without TLS, whoever reaches {address} can run programs on every host, as its user\n"
            "Use tls:// with --tls-ca, --tls-cert, and --tls-key, or --insecure in a network that is yours alone"
        )


def _is_loopback(address: str) -> bool:
    host = address.partition("://")[2].rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
