"""The client's connection to a fleet: who is there, and jobs and their ends."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import msgspec

from gilbench.model.errors import GilbenchError, UsageError
from gilbench.model.excerpt import excerpt
from gilbench.model.fleet import Fleet
from gilbench.model.study import Struct
from gilbench.work.fleet.host import unreachable
from gilbench.work.fleet.messages import (
    Ask,
    Cancel,
    End,
    Enter,
    Fault,
    Gone,
    HostState,
    Present,
    Reply,
    Success,
)
from gilbench.work.fleet.wire import LostError, Wire, connect

_END = msgspec.json.Decoder(End)
_Value = TypeVar("_Value")


class JobError(GilbenchError):
    """A job that a host did not do."""


class Came(Struct, frozen=True):
    """A host that joined, or came back."""

    host: str


class Went(Struct, frozen=True):
    """A host that is lost."""

    host: str


class JobEnded(Struct, frozen=True):
    """A job that ended."""

    host: str
    number: int
    end: Success | Fault


Event = Came | Went | JobEnded


class FleetClient:
    """What is known of a fleet, and the jobs of this client.

    Args:
        wire: The connection to the scheduler.
        present: The scheduler's first message.
    """

    def __init__(self, wire: Wire, present: Present) -> None:
        self._wire = wire
        self.software = present.software  # of the scheduler
        self.hosts: dict[str, HostState] = {state.facts.name: state for state in present.hosts}
        self._numbers = itertools.count()
        self._awaited: dict[int, tuple[str, asyncio.Future[Success | Fault]]] = {}
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    async def ask(self, host: str, job: msgspec.Raw, label: str) -> int:
        """Give a job to a host; ``event`` tells its end, with the returned number."""
        number = next(self._numbers)
        await self._wire.send(Ask(host=host, number=number, label=label, job=job))
        return number

    async def call(self, host: str, job: msgspec.Struct, kind: type[_Value]) -> _Value:
        """Give a job to a host, and wait for its value.

        Raises:
            JobError: The host was lost, could not do the job, or answered something else.
            UsageError: The scheduler was lost before.
        """
        self._refuse_loss()
        number = next(self._numbers)
        future: asyncio.Future[Success | Fault] = asyncio.get_running_loop().create_future()
        self._awaited[number] = host, future
        try:
            await self._wire.send(
                Ask(host=host, number=number, label="", job=msgspec.Raw(msgspec.json.encode(job)))
            )
            value: _Value = value_of(await future, kind)
        finally:
            self._awaited.pop(number, None)
        return value

    async def cancel(self, host: str, number: int) -> None:
        """End a job."""
        await self._wire.send(Cancel(host=host, number=number))

    async def event(self, seconds: float) -> Event | None:
        """Wait for the next event; None: there is none for so many seconds.

        Raises:
            UsageError: The scheduler is lost.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.0 if self._reading.done() else seconds):
                return await self._events.get()
        self._refuse_loss()
        return None

    def event_at_once(self) -> Event | None:
        """Return an event that has happened already; None: there is none."""
        return None if self._events.empty() else self._events.get_nowait()

    async def close(self) -> None:
        """Close the connection. The scheduler ends all jobs of this client."""
        self._reading.cancel()
        await asyncio.wait([self._reading])
        await self._wire.close()

    def _refuse_loss(self) -> None:
        """Raise what ended the connection, if it has ended: nobody would answer."""
        if self._reading.done():
            self._reading.result()

    async def _read(self) -> None:
        try:
            while True:
                match await self._wire.receive():
                    case Present() as present:
                        for state in present.hosts:
                            self.hosts[state.facts.name] = state
                            self._events.put_nowait(Came(host=state.facts.name))
                    case Gone(host=host):
                        self.hosts.pop(host, None)
                        self._fail(host, f"{host} is lost")
                        self._events.put_nowait(Went(host=host))
                    case Reply() as answer:
                        self._take(answer)
        except LostError as lost:
            raise UsageError(f"the scheduler {lost}") from lost
        finally:
            self._fail(None, "the scheduler is lost")

    def _take(self, answer: Reply) -> None:
        try:
            end: Success | Fault = _END.decode(answer.end)
        except (msgspec.DecodeError, RecursionError) as error:
            end = Fault(reason=f"the answer is damaged: {excerpt(str(error), 200)}")
        host, future = self._awaited.get(answer.number, ("", None))
        if future is None:
            self._events.put_nowait(JobEnded(host=answer.host, number=answer.number, end=end))
        elif host == answer.host and not future.done():
            future.set_result(end)

    def _fail(self, host: str | None, reason: str) -> None:
        for its_host, future in self._awaited.values():
            if host in {None, its_host} and not future.done():
                future.set_result(Fault(reason=reason))


@contextlib.asynccontextmanager
async def entered(fleet: Fleet) -> AsyncIterator[FleetClient]:
    """Connect to a fleet, and leave it at the end.

    Raises:
        UsageError: There is no scheduler, or a file of TLS cannot be used.
    """
    try:
        wire = await connect(fleet.address, fleet.access)
        await wire.send(Enter())
        first = await wire.receive()
    except LostError as lost:
        raise unreachable(fleet.address, lost) from lost
    if not isinstance(first, Present):
        wire.cut()
        raise UsageError(f"{fleet.address} is no scheduler of a fleet")
    client = FleetClient(wire, first)
    try:
        yield client
    finally:
        await client.close()


def value_of(end: Success | Fault, kind: Any) -> Any:
    """Return the value of a job.

    Raises:
        JobError: The job was not done, or its value is of another kind.
    """
    if isinstance(end, Fault):
        raise JobError(end.reason)
    try:
        return msgspec.json.decode(end.value, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise JobError(f"the answer is damaged: {excerpt(str(error), 200)}") from error
