"""Carries messages between the processes of a fleet, over the connections of Dask distributed.

Dask gives addresses, TCP, TLS with certificates on both sides, and frames. Its tasks are not used. A task is a pickle:
each host would run what anyone sends, and the client would run what a host answers. A Dask worker also samples its own
threads and the host all the time, which would disturb what is measured.

Dask's connections unpickle some messages as well; those of ``plain_connections.py`` do not. A message is bytes of JSON,
which msgspec decodes into the types of ``messages.py``. No other module imports Dask.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
from distributed.comm.core import Comm
from distributed.comm.core import connect as connect_comm
from distributed.comm.core import listen as listen_comm
from distributed.security import Security
from tornado.iostream import StreamClosedError

from gilbench.model.errors import UsageError
from gilbench.model.excerpt import excerpt
from gilbench.model.fleet import Access
from gilbench.work.fleet.messages import Beat, Message
from gilbench.work.fleet.plain_connections import use_plain_connections

BEAT = 2.0  # s between two signs of life
SILENCE = 8.0  # s without a sign of life, after which a peer counts as lost
CONNECT = 4.0  # s
_DECODER = msgspec.json.Decoder(Message)
_ENCODER = msgspec.json.Encoder()


class LostError(Exception):
    """A peer that cannot be reached any more.

    Args:
        message: What happened.
        ended: The peer has closed the connection; otherwise, it is silent, and may come back.
    """

    def __init__(self, message: str, *, ended: bool) -> None:
        super().__init__(message)
        self.ended = ended


class Wire:
    """A connection that carries messages both ways. It sends a sign of life regularly.

    Args:
        comm: The connection, one of Dask's.
    """

    def __init__(self, comm: Any) -> None:
        self._comm = comm
        self._beating = asyncio.get_running_loop().create_task(self._beat())

    async def send(self, message: msgspec.Struct) -> None:
        """Send a message. If the peer is lost, ``receive`` says so."""
        if not self._comm.closed():
            try:
                await self._comm.write(_ENCODER.encode(message))
            except OSError:  # also Dask's own errors
                self._comm.abort()

    async def receive(self) -> Message:
        """Wait for the next message that is no sign of life.

        Raises:
            LostError: The peer has closed the connection, is silent, or sent something else than a message.
        """
        while True:
            try:
                async with asyncio.timeout(SILENCE):
                    data = await self._comm.read()
                if not isinstance(data, bytes):
                    raise msgspec.DecodeError("not bytes")  # noqa: TRY301 - handled like other nonsense
                message: Message = _DECODER.decode(data)
            except TimeoutError as error:
                self._comm.abort()
                raise LostError(f"gave no sign of life for {SILENCE:g} s", ended=False) from error
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                self._comm.abort()
                raise LostError(
                    f"sent no message of a fleet: {excerpt(str(error), 80)}", ended=True
                ) from error
            except OSError as error:
                ended = isinstance(
                    error.__cause__, StreamClosedError | ConnectionResetError | BrokenPipeError
                )
                raise LostError(
                    "closed the connection" if ended else "cannot be reached", ended=ended
                ) from error
            if not isinstance(message, Beat):
                return message

    async def close(self) -> None:
        """Close the connection after what was sent."""
        self._beating.cancel()
        await self._comm.close()

    def cut(self) -> None:
        """Close the connection at once."""
        self._beating.cancel()
        self._comm.abort()

    async def _beat(self) -> None:
        while not self._comm.closed():
            await self.send(Beat())
            await asyncio.sleep(BEAT)


async def connect(address: str, access: Access | None) -> Wire:
    """Connect to a scheduler.

    Raises:
        LostError: Nobody listens there, or not in this way.
        UsageError: A file of TLS cannot be used.
    """
    arguments = _arguments(address, access, "client")
    use_plain_connections()
    # A task of its own, since Dask's timeouts can swallow a cancellation.
    connecting = asyncio.ensure_future(connect_comm(address, timeout=CONNECT, **arguments))
    try:
        await asyncio.wait([connecting], timeout=CONNECT + 1)
        comm = connecting.result()
    except asyncio.InvalidStateError as error:
        raise LostError("no answer", ended=False) from error
    except (OSError, ValueError, TypeError, KeyError) as error:  # a peer of another kind
        raise LostError(_reason(error), ended=False) from error
    finally:
        connecting.cancel()
    return Wire(comm)


class Listening(NamedTuple):
    """A scheduler's open door."""

    address: str
    stop: Callable[[], None]


async def listen(address: str, access: Access | None, handle: Callable[[Wire], Awaitable[None]]) -> Listening:
    """Listen for connections, and call a coroutine with each.

    Raises:
        UsageError: The address cannot be used, or a file of TLS.
    """
    arguments = _arguments(address, access, "scheduler")
    use_plain_connections()

    async def accept(comm: Comm) -> None:
        await handle(Wire(comm))

    try:
        listener: Any = listen_comm(address, accept, **arguments)
        await listener.start()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot listen at {address}: {reason}; choose another address") from error
    return Listening(listener.listen_address, listener.stop)


def _arguments(address: str, access: Access | None, role: str) -> dict[str, Any]:
    if (access is not None) is not address.startswith("tls://"):
        raise UsageError(
            f"{address} needs --tls-ca, --tls-cert, and --tls-key"
            if access is None
            else f"{address} is not encrypted; use tls:// with the options of TLS"
        )
    if access is None:
        return {}
    security = Security(
        require_encryption=True,
        tls_ca_file=access.ca,
        **{f"tls_{role}_cert": access.cert, f"tls_{role}_key": access.key},
    )
    try:
        return dict(
            security.get_connection_args(role) if role == "client" else security.get_listen_args(role)
        )
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        names = ", ".join(access)
        raise UsageError(f"cannot use the TLS files {names}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Return the innermost cause of an error, in one line. What Dask cancels when the time is up is no cause."""
    cause: BaseException = error
    while isinstance(cause.__cause__, Exception):
        cause = cause.__cause__
    if isinstance(cause, TimeoutError):
        return "no answer"
    if isinstance(cause, ssl.SSLError):
        return f"TLS: {cause.reason or cause}"
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return str(text).splitlines()[0]
