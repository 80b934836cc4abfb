"""A host of a fleet: joins the scheduler, and does its jobs one after another, each in a new process.

The process of a job measures. This one only waits, so that it answers the scheduler at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import deque
from typing import Any

import msgspec

from gilbench.host import scratch
from gilbench.model.errors import RunFailure, UsageError
from gilbench.model.fleet import Access
from gilbench.run.endpoint import Endpoint
from gilbench.work.fleet.messages import (
    Describe,
    End,
    Fault,
    HostState,
    Job,
    Join,
    Order,
    Present,
    Refused,
    Result,
    Stop,
)
from gilbench.work.fleet.wire import LostError, Wire, connect
from gilbench.work.listener import Listener

_PAUSE = 1.0  # s between two attempts to connect
_GRACE = 2.0  # s that a job has to end what it started
_MOST_KEPT = 16  # results for a scheduler that is out of reach
_STARTING = [sys.executable, "-P", "-m", "gilbench.work.fleet.job_main"]
_END = msgspec.json.Decoder(End)


class HostService:
    """Serves this machine as a host.

    If the scheduler closes the connection, all jobs end. If it is out of reach, the running job goes on, and its result
    is kept until the scheduler is back.

    Args:
        address: Address of the scheduler.
        access: Files of TLS; None: the connection is not encrypted.
        name: Name of the host.
        listener: Receives notes.
    """

    def __init__(self, address: str, access: Access | None, name: str, listener: Listener) -> None:
        self._address, self._access, self._name = address, access, name
        self._listener = listener
        self._session = os.urandom(8).hex()
        self._orders: deque[Order] = deque()
        self._results: deque[Result] = deque(maxlen=_MOST_KEPT)
        self._running: tuple[Order, asyncio.Task[End]] | None = None
        self._news = asyncio.Event()
        self._wire: Wire | None = None
        self._noted = ""

    async def serve(self) -> None:
        """Serve until it is cancelled.

        Raises:
            UsageError: The first connection fails, or the scheduler does not accept this host.
        """
        self._listener.progress("asking the interpreters of this host")
        end = await self._do(Describe(name=self._name))
        if isinstance(end, Fault):
            raise UsageError(f"cannot describe this host: {end.reason}")
        state = msgspec.json.decode(end.value, type=HostState)
        try:
            wire: Wire | None = await connect(self._address, self._access)
        except LostError as lost:
            raise unreachable(self._address, lost) from lost
        working = asyncio.create_task(self._work())
        try:
            while True:
                if wire is not None:
                    await self._talk(wire, state)
                    await asyncio.sleep(_PAUSE)
                wire = await self._again()
        finally:
            await self._end_jobs()
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working

    async def _again(self) -> Wire | None:
        try:
            return await connect(self._address, self._access)
        except LostError:
            await asyncio.sleep(_PAUSE)
            return None

    async def _talk(self, wire: Wire, state: HostState) -> None:
        """Join, and take orders until the scheduler is lost."""
        try:
            await wire.send(Join(session=self._session, state=state))
            while True:
                match await wire.receive():
                    case Present():
                        self._note_once(f"{self._name} serves {self._address}")
                        self._wire = wire
                        self._news.set()
                    case Refused(reason=reason):
                        raise UsageError(reason)
                    case Order() as order:
                        self._orders.append(order)
                        self._news.set()
                    case Stop() as stop:
                        await self._stop(stop)
        except LostError as lost:
            text = "waiting for it" if self._wire else "it does not take this host; is its gilbench the same?"
            self._note_once(f"the scheduler {lost}; {text}")
            if lost.ended:
                self._results.clear()
                await self._end_jobs()
        finally:
            self._wire = None
            wire.cut()

    def _note_once(self, text: str) -> None:
        """Note a text, unless it is the last one: a scheduler can refuse a host every second."""
        if text != self._noted:
            self._noted = text
            self._listener.note(text)

    async def _work(self) -> None:
        """Do the orders, and send their results while the scheduler is there."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self._send_results()
            while self._orders:
                order = self._orders.popleft()
                task = asyncio.create_task(self._do(order.job))
                self._running = order, task
                await asyncio.wait([task])
                self._running = None
                end = None if task.cancelled() else task.result()  # None: nobody waits for it
                if end is not None:
                    self._results.append(
                        Result(
                            client=order.client,
                            number=order.number,
                            label=order.label,
                            end=msgspec.Raw(msgspec.json.encode(end)),
                        )
                    )
                await self._send_results()

    async def _send_results(self) -> None:
        while self._results and self._wire is not None:
            await self._wire.send(self._results.popleft())

    async def _stop(self, stop: Stop) -> None:
        """End the jobs of a client."""

        def is_meant(order: Order) -> bool:
            return order.client == stop.client and stop.number in {None, order.number}

        self._orders = deque(order for order in self._orders if not is_meant(order))
        if self._running is not None and is_meant(self._running[0]):
            await self._end_running()

    async def _end_jobs(self) -> None:
        self._orders.clear()
        await self._end_running()

    async def _end_running(self) -> None:
        if self._running is not None:
            task = self._running[1]
            task.cancel()
            await asyncio.wait([task])

    async def _do(self, job: Job | msgspec.Raw) -> End:
        """Do a job in a new process. If it is cancelled, the process ends, with all that it started."""
        try:
            endpoint = Endpoint(_STARTING, os.environ)
        except RunFailure as failure:
            return Fault(reason=failure.message)
        try:
            endpoint.send(job)
            return await self._end_of(endpoint)
        except RunFailure as failure:
            output = endpoint.process.output().strip().splitlines()[-1:]
            return Fault(reason=": ".join([f"the process of the job {failure.message}", *output])[:500])
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.to_thread(endpoint.process.end, _GRACE))
            scratch.clear()  # of a process that was killed
            raise
        finally:
            endpoint.close()

    async def _end_of(self, endpoint: Endpoint) -> End:
        """Wait for the end of a job, and pass its notes on."""
        while True:
            await _readable(endpoint.fileno())
            message: dict[str, Any] = endpoint.receive(_GRACE)
            if "ok" in message:
                end: End = _END.decode(msgspec.json.encode(message["ok"]))
                return end
            self._listener.note(str(message.get("note", {}).get("text", ""))[:500])


def unreachable(address: str, lost: LostError) -> UsageError:
    """Return the error of a scheduler that cannot be reached at all."""
    return UsageError(
        f"no scheduler of a fleet at {address}: {lost}\n"
        "Start one: gilbench fleet serve ADDRESS; its version and TLS must be the same"
    )


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
