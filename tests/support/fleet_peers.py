"""Hosts of a fleet that answer without measuring, honestly or not, over a real scheduler on the loopback interface."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import msgspec
from studies import make_header, make_plan, make_profile, make_slice, make_workload, named

from gilbench.model.study import Case, Run
from gilbench.plan.host_choice import HostFacts
from gilbench.work.fleet.messages import (
    Find,
    FoundInterpreters,
    HostState,
    Job,
    Join,
    MakePlan,
    Measure,
    Order,
    Planned,
    Result,
    Success,
)
from gilbench.work.fleet.scheduler import Scheduler
from gilbench.work.fleet.software import own_software
from gilbench.work.fleet.wire import LostError, connect, listen
from gilbench.work.listener import SILENT

INTERPRETERS = (named("3.13"), named("3.13t", free_threaded=True))
BLOCKS = 6
CASES = tuple(Case(workload="countdown", interpreter=one.name, threads=1) for one in INTERPRETERS)
HEADER = make_header(
    make_plan(CASES, effort=make_profile(blocks=BLOCKS)), INTERPRETERS, (make_workload(checksum="0"),)
)
Lie = Callable[[Measure], bytes]


def honest(job: Measure) -> bytes:
    """The runs that were asked for, as fast as no host is."""
    return encoded(*(run_of(job, case) for case in job.cases))


def run_of(job: Measure, case: int, **changes: object) -> Run:
    run = Run(case=case, block=job.block, attempt=job.attempt, slices=(make_slice(),))
    return msgspec.structs.replace(run, **changes)


def encoded(*runs: Run) -> bytes:
    return msgspec.json.encode(Success(value=msgspec.Raw(msgspec.json.encode(runs))))


def state_of(name: str) -> HostState:
    facts = HostFacts(
        name=name,
        cores=2,
        cpus=2,
        memory=8 << 30,
        machine="x86_64",
        system="Linux",
        kernel="6.1.0",
        cpu_model="Some CPU",
        root=False,
        virtualisation=None,
        interpreters=("3.13", "3.13t"),
    )
    return HostState(facts=facts, software=own_software())


async def serve(name: str, address: str, answer: Lie) -> None:
    """Serve as a host that answers at once."""
    wire = await connect(address, None)
    await wire.send(Join(session=name, state=state_of(name)))
    with suppress(LostError):
        while True:
            match await wire.receive():
                case Order() as order:
                    await wire.send(_result(order, answer))


def _result(order: Order, answer: Lie) -> Result:
    match msgspec.json.decode(order.job, type=Job):
        case Find():
            value: object = FoundInterpreters(
                software=own_software(), host=HEADER.host, cpus=(0, 1), interpreters=INTERPRETERS
            )
            end = msgspec.json.encode(Success(value=msgspec.Raw(msgspec.json.encode(value))))
        case MakePlan():
            value = Planned(header=HEADER, notes=())
            end = msgspec.json.encode(Success(value=msgspec.Raw(msgspec.json.encode(value))))
        case Measure() as job:
            end = answer(job)
    return Result(client=order.client, number=order.number, label=order.label, end=msgspec.Raw(end))


@asynccontextmanager
async def scheduler() -> AsyncIterator[str]:
    """A scheduler in this process, and its address."""
    made = Scheduler(SILENT)
    listening = await listen("tcp://127.0.0.1:0", None, made.serve)
    try:
        yield listening.address
    finally:
        listening.stop()
        await made.close()


@asynccontextmanager
async def fleet_of(**hosts: Lie) -> AsyncIterator[str]:
    """A fleet of such hosts, and the address of its scheduler."""
    async with scheduler() as address:
        tasks = [asyncio.create_task(serve(name, address, answer)) for name, answer in hosts.items()]
        await asyncio.sleep(0.2)
        try:
            yield address
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
