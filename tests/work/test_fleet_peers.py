"""What a client and a scheduler do with peers that answer nonsense, lie, or send pickles."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from distributed.comm.core import CommClosedError
from distributed.comm.core import connect as dask_connect
from distributed.comm.core import listen as dask_listen
from distributed.comm.registry import backends
from distributed.comm.tcp import TCPBackend
from distributed.protocol.serialize import ToPickle
from fleet_peers import BLOCKS, encoded, fleet_of, honest, run_of, scheduler
from fleets import hosts_of_blocks, is_whole
from studies import make_slice

from gilbench.model.errors import UsageError
from gilbench.model.fleet import Fleet
from gilbench.work.fleet.client import entered
from gilbench.work.fleet.messages import Find, FoundInterpreters, Measure, Wanted
from gilbench.work.fleet.study import measure_on_fleet
from gilbench.work.listener import Listener
from gilbench.work.planning import MeasureRequest


class Notes(Listener):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


@contextmanager
def running(**hosts: Callable[[Measure], bytes]) -> Iterator[str]:
    """A fleet in a thread of its own, since the client has its own loop."""
    ready, address, end = threading.Event(), list[str](), list[Callable[[], object]]()

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with fleet_of(**hosts) as where:
            address.append(where)
            end.append(lambda: loop.call_soon_threadsafe(stop.set))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(20)
    try:
        yield address[0]
    finally:
        end[0]()
        thread.join()


def test_a_job_for_a_scheduler_that_is_lost_is_refused_at_once() -> None:
    async def use() -> None:
        async with contextlib.AsyncExitStack() as held:
            address = await held.enter_async_context(scheduler())
            async with entered(Fleet(address=address)) as client:
                await held.aclose()
                with pytest.raises(UsageError, match="the scheduler closed the connection"):
                    await client.event(20)
                with pytest.raises(UsageError, match="the scheduler closed the connection"):
                    await client.call(
                        "east", Find(wanted=Wanted(request=MeasureRequest())), FoundInterpreters
                    )

    asyncio.run(asyncio.wait_for(use(), 30))


LIES = {
    "nonsense": lambda _: b'{"type":"success","value":"nonsense"}',
    "not an end": lambda _: b"[1,2]",
    "another block": lambda job: encoded(*(run_of(job, case, block=job.block + 1) for case in job.cases)),
    "another attempt": lambda job: encoded(*(run_of(job, case, attempt=7) for case in job.cases)),
    "a part": lambda job: encoded(run_of(job, job.cases[0])),
    "twice": lambda job: encoded(*(run_of(job, 0) for _ in job.cases)),
    "foreign case": lambda job: encoded(*(run_of(job, case + 5) for case in job.cases)),
    "another checksum": lambda job: encoded(
        *(run_of(job, case, slices=(make_slice(checksum="1"),)) for case in job.cases)
    ),
    "impossible": lambda job: encoded(
        *(run_of(job, case, slices=(make_slice(rate=1e30),)) for case in job.cases)
    ),
    "out of bounds": lambda job: honest(job).replace(b'"window":', b'"window":-'),
}


@pytest.mark.parametrize("name", LIES)
def test_a_host_that_answers_nonsense_is_left_out_and_the_study_is_whole(tmp_path: Path, name: str) -> None:
    path, notes = tmp_path / "study.jsonl", Notes()
    with running(honest=honest, liar=LIES[name]) as address:
        measured = measure_on_fleet(MeasureRequest(), Fleet(address), path, notes)
    assert not measured.interrupted
    assert is_whole(path, 2 * BLOCKS)
    assert {*hosts_of_blocks(path).values()} == {"honest"}
    assert [line for line in notes.lines if line.startswith("liar is left out: 3 blocks failed in a row")]


def test_a_fleet_of_liars_ends_with_a_line(tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    with running(liar=LIES["a part"]) as address, pytest.raises(UsageError, match="no host is left"):
        measure_on_fleet(MeasureRequest(), Fleet(address), path)


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (self.folder,)


@contextmanager
def pickling() -> Iterator[None]:
    """Dask as it is without gilbench, which sends and reads pickles."""
    backends.update(tcp=TCPBackend())
    yield


def test_nothing_that_a_peer_sends_to_a_scheduler_is_unpickled(tmp_path: Path) -> None:
    folder = tmp_path / "evil"

    async def attack() -> None:
        async with scheduler() as address:
            with pickling():
                first = await dask_connect(address, handshake_overrides={"evil": ToPickle(Evil(str(folder)))})
                second = await dask_connect(address)
                await second.write(ToPickle(Evil(str(folder))))
            await asyncio.sleep(0.3)
            for comm in (first, second):
                with pytest.raises(CommClosedError):  # the scheduler has closed it
                    await comm.read()
            async with entered(Fleet(address)) as client:
                assert not client.hosts

    asyncio.run(attack())
    assert not folder.exists()


@pytest.mark.parametrize("at_once", [True, False])
def test_nothing_that_a_scheduler_sends_to_a_client_is_unpickled(tmp_path: Path, at_once: bool) -> None:
    folder = tmp_path / "evil"

    async def attack() -> None:
        async def answer(comm: object) -> None:
            await comm.write(ToPickle(Evil(str(folder))))  # type: ignore[attr-defined]

        with pickling():
            listener = dask_listen("tcp://127.0.0.1:0", answer)
            if at_once:
                listener.on_connection = lambda comm, *_: answer(comm)
            await listener.start()
        with pytest.raises(UsageError, match="no scheduler of a fleet"):
            async with entered(Fleet(listener.listen_address)):
                pass
        listener.stop()

    asyncio.run(attack())
    assert not folder.exists()


def test_the_pickle_would_do_harm(tmp_path: Path) -> None:
    folder = tmp_path / "evil"

    async def attack() -> None:
        async def answer(comm: object) -> None:
            await comm.read()  # type: ignore[attr-defined]

        with pickling():
            listener = dask_listen("tcp://127.0.0.1:0", answer)
            await listener.start()
            comm = await dask_connect(listener.listen_address)
            await comm.write(ToPickle(Evil(str(folder))))
            await asyncio.sleep(0.3)
            comm.abort()
            listener.stop()

    asyncio.run(attack())
    assert folder.exists()


def test_messages_have_a_limited_size() -> None:
    async def attack() -> None:
        async with scheduler() as address:
            host, port = address.removeprefix("tcp://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write((1 << 62).to_bytes(8, "little") + bytes(64))
            await writer.drain()
            async with asyncio.timeout(5):
                while await reader.read(1 << 16):
                    pass
            writer.close()

    asyncio.run(attack())
