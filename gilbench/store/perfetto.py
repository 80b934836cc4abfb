"""Writes a timeline of thread states as a Perfetto trace: one track per thread, one slice per state.

A trace is a sequence of packets, and a packet is the concatenation of its fields (protobuf's encoding, "message
merging"). The ``perfetto`` package serializes the constant part of a thread's slices once. For each event, only the
timestamp is prepended. Packets are written continuously, so memory does not grow with the trace. Viewer:
https://ui.perfetto.dev
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from gilbench.model.errors import UsageError
from gilbench.model.profile import StateChange

_SEQUENCE = 1  # all packets come from one writer
_PACKET = b"\x0a"  # Trace.packet: field 1, length-delimited
_MOMENT = b"\x40"  # TracePacket.timestamp: field 8, a varint
_KEPT = 1 << 15  # packets in the buffer
# The lower 28 bits of a varint, 14 at a time; each byte has its continuation bit set.
_LOW = tuple(bytes((0x80 | part & 0x7F, 0x80 | part >> 7)) for part in range(1 << 14))


class _ThreadPackets(NamedTuple):
    """The packets of one thread, without their timestamps."""

    begin: dict[str, bytes]  # by state
    end: bytes


class TimelineWriter:
    """Writes a trace event by event.

    Args:
        path: The file, which is replaced.
        pid: PID of the program.
        command: Command line of the program.

    Raises:
        UsageError: The file cannot be written, or the ``perfetto`` package is not installed.
    """

    def __init__(self, path: Path, pid: int, command: Iterable[str]) -> None:
        try:
            from perfetto.protos.perfetto.trace import perfetto_trace_pb2  # noqa: PLC0415 - an extra
        except ImportError:
            raise UsageError(f"{path} needs the perfetto package: pip install 'gilbench[trace]'") from None
        self._classes: Any = perfetto_trace_pb2
        self._path, self._pid = path, pid
        self._threads: dict[int, _ThreadPackets] = {}
        self._open: dict[int, str] = {}  # by tid, the current state
        self._last = 0.0
        self._buffer: list[bytes] = []
        self.lost = 0
        self._failed: OSError | None = None
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}; choose another file") from error
        packet = self._packet()
        packet.track_descriptor.uuid = _process_track(pid)
        packet.track_descriptor.process.pid = pid
        packet.track_descriptor.process.cmdline.extend(command)
        self._put(_framed(packet.SerializeToString()))

    def add(self, changes: Iterable[StateChange]) -> None:
        """Write events, for each thread in the order of time. ``close`` reports write errors."""
        threads, opened, buffer = self._threads, self._open, self._buffer
        upper, ending, last = -1, b"", self._last
        for stamp, tid, state in changes:
            last = max(last, stamp)
            if opened.get(tid) == state:
                continue
            moment = int(stamp * 1e9)
            if moment >> 28 != upper:
                upper = moment >> 28
                ending = _varint(upper)
            low, middle = _LOW[moment & 0x3FFF], _LOW[moment >> 14 & 0x3FFF]
            thread = threads.get(tid) or self._introduce(tid)
            if tid in opened:
                rest = thread.end
                buffer.append(
                    b"%b%c%b%b%b%b%b"
                    % (_PACKET, 5 + len(ending) + len(rest), _MOMENT, low, middle, ending, rest)
                )
            if state == "ended":
                opened.pop(tid, None)
            else:
                opened[tid] = state
                rest = thread.begin[state]
                buffer.append(
                    b"%b%c%b%b%b%b%b"
                    % (_PACKET, 5 + len(ending) + len(rest), _MOMENT, low, middle, ending, rest)
                )
            if len(buffer) > _KEPT:
                self._flush()
        self._last = last

    def lose(self, count: int) -> None:
        """Record at the last known time that events were lost."""
        if count <= 0:
            return
        self.lost += count
        packet = self._packet()
        packet.timestamp = int(self._last * 1e9)
        packet.track_event.type = self._classes.TrackEvent.TYPE_INSTANT
        packet.track_event.track_uuid = _process_track(self._pid)
        packet.track_event.name = f"{count} events lost"
        self._put(_framed(packet.SerializeToString()))

    def name(self, names: dict[int, str | None]) -> None:
        """Name threads by tid. Names are often known only at the end."""
        for tid, name in names.items():
            if tid in self._threads:
                self._describe(tid, name)

    def close(self, end: float | None = None) -> None:
        """End all states and close the file. Safe to call again.

        Args:
            end: CLOCK_MONOTONIC in s; None: the last known time.

        Raises:
            UsageError: The file could not be written completely, for example because the disk is full.
        """
        if self._file.closed:
            return
        moment = self._last if end is None else max(end, self._last)
        self.add(StateChange(moment, tid, "ended") for tid in sorted(self._open))
        self._flush()
        try:
            self._file.close()
        except OSError as error:
            self._failed = self._failed or error
        if self._failed is not None:
            raise UsageError(
                f"cannot write {self._path}: {self._failed.strerror}; the trace is truncated"
            ) from self._failed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _introduce(self, tid: int) -> _ThreadPackets:
        self._describe(tid, None)
        kinds = self._classes.TrackEvent
        begin = {
            state: self._slice(tid, kinds.TYPE_SLICE_BEGIN, state)
            for state in ("held", "wait", "off", "blocked")
        }
        self._threads[tid] = _ThreadPackets(begin, self._slice(tid, kinds.TYPE_SLICE_END, None))
        return self._threads[tid]

    def _describe(self, tid: int, name: str | None) -> None:
        packet = self._packet()
        packet.track_descriptor.uuid = _thread_track(tid)
        packet.track_descriptor.parent_uuid = _process_track(self._pid)
        packet.track_descriptor.thread.pid = self._pid
        packet.track_descriptor.thread.tid = tid
        if name:
            packet.track_descriptor.thread.thread_name = name
        self._put(_framed(packet.SerializeToString()))

    def _slice(self, tid: int, kind: int, state: str | None) -> bytes:
        packet = self._packet()
        packet.track_event.type = kind
        packet.track_event.track_uuid = _thread_track(tid)
        if state is not None:
            packet.track_event.name = state
        written: bytes = packet.SerializeToString()
        return written

    def _packet(self) -> Any:
        packet = self._classes.TracePacket()
        packet.trusted_packet_sequence_id = _SEQUENCE
        return packet

    def _put(self, written: bytes) -> None:
        self._buffer.append(written)

    def _flush(self) -> None:
        """Write the buffer, unless writing has failed before. An error must not disturb the caller of ``add``."""
        if self._failed is None:
            try:
                self._file.write(b"".join(self._buffer))
            except OSError as error:
                self._failed = error
        self._buffer.clear()


def _thread_track(tid: int) -> int:
    return 2 * tid


def _process_track(pid: int) -> int:
    return 2 * pid + 1


def _framed(packet: bytes) -> bytes:
    return _PACKET + _varint(len(packet)) + packet


def _varint(number: int) -> bytes:
    """Encode an integer as protobuf does: seven bits per byte, the lowest first."""
    written = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - the largest that one byte holds
        written.append(0x80 | number & 0x7F)
        number >>= 7
    written.append(number)
    return bytes(written)
