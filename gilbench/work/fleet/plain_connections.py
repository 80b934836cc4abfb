"""Connections of Dask distributed that carry plain msgpack, so that nothing that a peer sends is unpickled.

Dask's own connections unpickle what a peer marks so, whatever serializers are set. These read messages themselves: one
frame of msgpack, of limited size.
"""

from __future__ import annotations

import logging
import struct

import dask.config
import msgspec
from distributed.comm.core import CommClosedError
from distributed.comm.registry import backends
from distributed.comm.tcp import (
    TCP,
    TLS,
    TCPBackend,
    TCPConnector,
    TCPListener,
    TLSBackend,
    TLSConnector,
    TLSListener,
)
from distributed.protocol.utils import unpack_frames
from tornado.iostream import IOStream, StreamClosedError

LONGEST = 64 << 20  # bytes of a message
_SIZE = struct.Struct("Q")


def use_plain_connections() -> None:
    """Let Dask use the plain connections, and keep its log from the terminal."""
    backends.update(tcp=_PlainTCPBackend(), tls=_PlainTLSBackend())
    dask.config.set({"distributed.comm.timeouts.tcp": "12s"})  # of the kernel; 11 s at least
    for name in ("distributed", "tornado", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


async def _read_plain(comm: TCP) -> object:
    """Read one frame of plain msgpack. Dask's ``read`` would unpickle what a peer marks so."""
    if comm.stream is None:
        raise CommClosedError
    try:
        return msgspec.msgpack.decode(await _read_frame(comm.stream))
    except StreamClosedError as error:
        comm.abort()
        raise CommClosedError from error.real_error or error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, struct.error) as error:
        comm.abort()
        raise CommClosedError from error
    except BaseException:
        comm.abort()
        raise


async def _read_frame(stream: IOStream) -> memoryview:
    (size,) = _SIZE.unpack(await stream.read_bytes(_SIZE.size))
    if not _SIZE.size < size <= LONGEST:
        raise CommClosedError("a message of a wrong size")
    frames, missing = unpack_frames(await stream.read_bytes(size), partial=True)
    if len(frames) != 1 or missing:
        raise CommClosedError("a message of several frames")
    return frames[0]


class _PlainTCP(TCP):
    async def read(self, deserializers: object = None) -> object:  # noqa: ARG002 - Dask's signature
        return await _read_plain(self)


class _PlainTLS(TLS):
    async def read(self, deserializers: object = None) -> object:  # noqa: ARG002 - Dask's signature
        return await _read_plain(self)


class _PlainTCPConnector(TCPConnector):
    comm_class = _PlainTCP


class _PlainTCPListener(TCPListener):
    comm_class = _PlainTCP


class _PlainTLSConnector(TLSConnector):
    comm_class = _PlainTLS


class _PlainTLSListener(TLSListener):
    comm_class = _PlainTLS


class _PlainTCPBackend(TCPBackend):
    _connector_class = _PlainTCPConnector
    _listener_class = _PlainTCPListener


class _PlainTLSBackend(TLSBackend):
    _connector_class = _PlainTLSConnector
    _listener_class = _PlainTLSListener
