"""A connection to PostgreSQL that breaks in the middle: each study is added once and as a whole, or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from cutting_proxy import CuttingProxy, cutting_proxy
from histories import cell, header, points
from postgresql_server import PASSWORD, USER, Server

from gilbench.model.errors import StudyError
from gilbench.store import history_connection, history_database
from gilbench.store.history import History

FIGURES = 40
CELLS = [cell(1.0 + number, threads=number + 1) for number in range(FIGURES)]
CUTS = 12  # places in the traffic of an addition, in each direction
SOON = 30.0  # s


@pytest.fixture
def database(postgresql: Server) -> Iterator[str]:
    """A history without studies; its name on the server."""
    with postgresql.database() as name:
        History(postgresql.url(name), create=True).close()
        yield name


def add(url: str, digest: str) -> bool:
    with History(url, create=True) as history:
        return history.add(header(), CELLS, digest)


def studies(server: Server, database: str) -> dict[str, int]:
    """The digests in a history, with the number of their figures."""
    with History(server.url(database)) as history:
        found = dict.fromkeys((entry.digest for entry in history.studies()), 0)
        for _, entry, _ in points(history):
            found[entry.digest] += 1
    return found


@contextmanager
def interrupted(server: Server, database: str) -> Iterator[Future[bool]]:
    """Start an addition, which waits until the end of the context before it writes its last table."""
    lock = psycopg.connect(host="127.0.0.1", port=server.port, user=USER, password=PASSWORD, dbname=database)
    lock.execute("LOCK TABLE gilbench_records IN ACCESS EXCLUSIVE MODE")
    with ThreadPoolExecutor(1) as pool:
        added = pool.submit(add, server.url(database), "a")
        try:
            wait_for(lambda: waiting(server, database) == 1)
            yield added
        finally:
            lock.close()


def waiting(server: Server, database: str) -> int:
    query = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND wait_event_type = 'Lock'"  # noqa: S608
    return int(server.execute(query)[0][0])


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_addition_whose_backend_is_terminated_is_repeated(postgresql: Server, database: str) -> None:
    with interrupted(postgresql, database) as added:
        postgresql.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "  # noqa: S608
            f"WHERE datname = '{database}' AND wait_event_type = 'Lock'"
        )
        wait_for(lambda: waiting(postgresql, database) == 1)  # again
        assert postgresql.execute("SELECT count(*) FROM gilbench_studies", database) == [(0,)]
    assert added.result(SOON)
    assert studies(postgresql, database) == {"a": FIGURES}


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_an_addition_survives_a_restart_of_the_server(mode: str, postgresql: Server, database: str) -> None:
    with interrupted(postgresql, database) as added:
        postgresql.control("restart", "-m", mode)
    assert added.result(SOON)
    assert studies(postgresql, database) == {"a": FIGURES}


def test_a_server_that_stops_for_good_has_the_study_as_a_whole_or_the_error_says_that_it_has_not(
    postgresql: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_database, "PATIENCE", 0.5)
    with interrupted(postgresql, database) as added:
        postgresql.control("stop", "-m", "immediate")
        try:
            with pytest.raises(StudyError, match="Nothing was written; repeat the command") as caught:
                added.result(SOON)
        finally:
            postgresql.control("start", "-o", postgresql.options)
    assert len(str(caught.value).splitlines()) == 2
    assert studies(postgresql, database) == {}
    assert add(postgresql.url(database), "a")


def test_a_connection_that_is_cut_at_any_byte_loses_nothing_and_adds_nothing_twice(
    postgresql: Server, database: str
) -> None:
    expected = {"known": FIGURES}
    with cutting_proxy(postgresql.port) as proxy:
        url = postgresql.url(database, port=proxy.port)
        add(postgresql.url(database), "known")
        expected |= cut_everywhere(proxy, url)
        assert not add(url, "known")
    assert studies(postgresql, database) == expected


def cut_everywhere(proxy: CuttingProxy, url: str) -> dict[str, int]:
    """Add studies through connections that are cut. Return their digests, with the number of their figures."""
    add(url, "whole")
    totals = proxy.sent, proxy.answered
    added = ["whole"]
    for number in range(CUTS):
        for side in (0, 1):
            at = totals[side] * number // CUTS
            proxy.is_end = lambda *now, at=at, side=side: now[side] + len(now[side + 2]) > at
            proxy.left, proxy.resets = 1, bool(number % 2)
            added.append(f"{number} of {side}")
            assert add(url, added[-1])
            assert proxy.left == 0
    return dict.fromkeys(added, FIGURES)


def cut_after_commit(proxy: CuttingProxy) -> None:
    """Cut the next connection when the server answers the commit of an addition; the client does not get the answer."""
    seen: list[str] = []

    def is_end(_sent: int, _answered: int, request: bytes, answer: bytes) -> bool:
        if b"INSERT INTO gilbench_records" in request:
            seen.append("insert")
        if b"COMMIT" in request and seen:
            seen.append("commit")
        return bool(answer) and "commit" in seen

    proxy.is_end, proxy.left = is_end, 1


def test_an_addition_that_was_committed_without_an_answer_is_found_again(
    postgresql: Server, database: str
) -> None:
    with cutting_proxy(postgresql.port) as proxy:
        cut_after_commit(proxy)
        assert add(postgresql.url(database, port=proxy.port, sslmode="disable"), "a")
        assert proxy.cuts == 1
    assert studies(postgresql, database) == {"a": FIGURES}


def test_if_nobody_answers_after_a_commit_the_error_says_that_the_study_may_be_missing(
    postgresql: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_database, "PATIENCE", 0.5)
    with cutting_proxy(postgresql.port) as proxy:
        cut_after_commit(proxy)
        url = postgresql.url(database, port=proxy.port, sslmode="disable")
        with History(url) as history:
            proxy.is_open = False
            with pytest.raises(
                StudyError, match=r"may be missing; repeat .* Nothing is added twice"
            ) as caught:
                history.add(header(), CELLS, "a")
    assert len(str(caught.value).splitlines()) == 2
    assert not add(postgresql.url(database), "a")
    assert studies(postgresql, database) == {"a": FIGURES}


def test_a_connection_that_breaks_while_figures_are_read_is_repeated(
    postgresql: Server, database: str
) -> None:
    add(postgresql.url(database), "a")
    with cutting_proxy(postgresql.port) as proxy:
        url = postgresql.url(database, port=proxy.port, sslmode="disable")
        with History(url) as history:
            expected = points(history)
        proxy.is_end = lambda *now: b"gilbench_records.figures" in now[2]
        proxy.left = 1
        with History(url) as history:
            assert points(history) == expected
        assert (proxy.cuts, len(expected)) == (1, FIGURES)


def test_a_server_that_accepts_requests_but_never_answers_is_given_up(
    postgresql: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_database, "PATIENCE", 0.5)
    monkeypatch.setattr(history_connection, "SILENCE", 0.5)
    with cutting_proxy(postgresql.port) as proxy:
        url = postgresql.url(database, port=proxy.port, sslmode="require", connect_timeout="2")
        with History(url) as history:
            proxy.is_silent = True
            with pytest.raises(StudyError, match="Nothing was written; repeat the command") as caught:
                history.add(header(), CELLS, "a")
    assert len(str(caught.value).splitlines()) == 2
    assert studies(postgresql, database) == {}
    assert add(postgresql.url(database), "a")


def test_an_addition_that_got_no_answer_is_repeated(
    postgresql: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_connection, "SILENCE", 0.5)
    with (
        cutting_proxy(postgresql.port) as proxy,
        History(postgresql.url(database, port=proxy.port, connect_timeout="2")) as history,
        ThreadPoolExecutor(1) as pool,
    ):
        proxy.is_silent = True
        added = pool.submit(history.add, header(), CELLS, "a")
        time.sleep(1.0)
        proxy.is_silent = False
        assert added.result(SOON)
    assert studies(postgresql, database) == {"a": FIGURES}
