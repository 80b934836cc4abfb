"""The scheduler of a fleet: knows the hosts, and passes jobs and answers on. It starts nothing and decides nothing."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from gilbench.work.fleet.messages import (
    Ask,
    Cancel,
    Enter,
    Gone,
    HostState,
    Join,
    Order,
    Present,
    Refused,
    Reply,
    Result,
    Stop,
)
from gilbench.work.fleet.software import own_software
from gilbench.work.fleet.wire import LostError, Wire
from gilbench.work.listener import Listener

_CROWD = 1000  # connections that have not said what they are


class _Connected:
    """A host that is connected."""

    def __init__(self, wire: Wire, join: Join) -> None:
        self.wire, self.session, self.state = wire, join.session, join.state

    def follow(self, label: str, *, done: bool = False) -> None:
        """Note what the host does."""
        blocks = self.state.blocks + (done and bool(label))
        self.state = msgspec.structs.replace(self.state, doing="" if done else label, blocks=blocks)


class Scheduler:
    """Serves the connections of hosts and clients.

    Args:
        listener: Receives a note for each host that joins or is lost.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._members: dict[str, _Connected] = {}
        self._clients: dict[str, Wire] = {}
        self._numbers = itertools.count(1)
        self._strangers = 0

    async def serve(self, wire: Wire) -> None:
        """Serve one connection to its end."""
        try:
            match await self._first(wire):
                case Join() as join:
                    await self._serve_host(wire, join)
                case Enter():
                    await self._serve_client(wire)
        except LostError:
            pass
        finally:
            wire.cut()

    async def close(self) -> None:
        """Close all connections. Hosts stop their jobs."""
        for wire in (*(member.wire for member in self._members.values()), *self._clients.values()):
            with suppress(OSError):
                await wire.close()

    async def _first(self, wire: Wire) -> object:
        """Wait for the first message. Beats keep a connection open, so that the wait itself has a limit."""
        if self._strangers >= _CROWD:
            return None
        self._strangers += 1
        try:
            async with asyncio.timeout(10.0):
                return await wire.receive()
        except TimeoutError:
            return None
        finally:
            self._strangers -= 1

    async def _serve_host(self, wire: Wire, join: Join) -> None:
        name = join.state.facts.name
        earlier = self._members.get(name)
        if earlier is not None and earlier.session != join.session:
            await wire.send(
                Refused(reason=f"the fleet has a host {name!r} already; join with another --name")
            )
            await wire.close()
            return
        if earlier is not None:  # it was cut off, and came back before it was missed
            earlier.wire.cut()
            await self._lose(name)
        member = self._members[name] = _Connected(wire, join)
        self._listener.note(f"{name} joined")
        await self._tell(Present(software=own_software(), hosts=(member.state,)))
        await wire.send(Present(software=own_software(), hosts=()))
        reason = ""
        try:
            while True:
                message = await wire.receive()
                if isinstance(message, Result):
                    await self._pass_on(name, member, message)
        except LostError as lost:
            reason = str(lost)
            raise
        finally:
            if self._members.get(name) is member:
                self._listener.note(f"{name} is lost: {reason or 'it ended'}")
                await self._lose(name)

    async def _pass_on(self, name: str, member: _Connected, result: Result) -> None:
        member.follow(result.label, done=True)
        client = self._clients.get(result.client)
        if client is not None:
            await client.send(Reply(host=name, number=result.number, end=result.end))

    async def _lose(self, name: str) -> None:
        del self._members[name]
        await self._tell(Gone(host=name))

    async def _tell(self, message: msgspec.Struct) -> None:
        for client in list(self._clients.values()):
            await client.send(message)

    async def _serve_client(self, wire: Wire) -> None:
        name = (
            f"{next(self._numbers)}-{os.urandom(8).hex()}"  # a host can outlive the scheduler that it answers
        )
        self._clients[name] = wire
        try:
            states = tuple(self._states())
            await wire.send(Present(software=own_software(), hosts=states))
            while True:
                match await wire.receive():
                    case Ask() as ask if ask.host in self._members:
                        member = self._members[ask.host]
                        member.follow(ask.label)
                        order = Order(client=name, number=ask.number, label=ask.label, job=ask.job)
                        await member.wire.send(order)
                    case Ask() as ask:
                        await wire.send(Gone(host=ask.host))
                    case Cancel() as cancel if cancel.host in self._members:
                        await self._members[cancel.host].wire.send(Stop(client=name, number=cancel.number))
        finally:
            del self._clients[name]
            for member in list(self._members.values()):
                await member.wire.send(Stop(client=name))

    def _states(self) -> Iterator[HostState]:
        return (member.state for member in self._members.values())
