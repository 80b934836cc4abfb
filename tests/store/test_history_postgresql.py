"""What only a history on PostgreSQL has: passwords, TLS, its driver, other defaults, and writers that wait."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from commands import error_lines, gilbench
from histories import cell, header
from postgresql_server import PASSWORD, USER, Server

from gilbench.model.errors import GilbenchError, StudyError, UsageError
from gilbench.store import history_database
from gilbench.store.history import History
from gilbench.store.history_postgresql import lock

SECRET = "open sesame"  # noqa: S105
HOST = "127.0.0.1"
NAMES = ["b", "A", "a", "B", "_", "é", "Z", "aa", "a b", "a_b", "10", "9", "😀"]


@pytest.fixture
def name(postgresql: Server) -> Iterator[str]:
    """An empty database."""
    with postgresql.database() as name:
        yield name


def refused(url: str) -> str:
    """Open a history that cannot be opened. Return the message; a traceback has no secret either."""
    with pytest.raises(GilbenchError) as caught:
        History(url, create=True)
    shown = "".join(traceback.format_exception(caught.value))
    for form in (SECRET, quote(SECRET), PASSWORD, quote(PASSWORD, safe="")):
        assert form not in shown
    message = str(caught.value)
    assert 1 <= len(message.splitlines()) <= 2
    return message


# --- passwords ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://u:{secret}@nosuch.invalid/d", "nosuch.invalid"),
        ("postgresql://u:{secret}@127.0.0.1:1/d", "refused"),
        ("postgresql://u:{secret}@127.0.0.1:1/d?nosuch=1", "nosuch"),
        ("postgresql://u:{secret}@127.0.0.1:1/d?sslmode=strong", "strong"),
        ("postgresql://u@127.0.0.1:1/d?password={secret}", "refused"),
        ("postgresql://u@127.0.0.1:1/d?pasword={secret}", "pasword"),
        ("postgresql://u@127.0.0.1:1/d?sslpassword={secret}&connect_timeout=soon", "soon"),
        ("postgresql://u:half@{secret}@127.0.0.1/d", "%40"),
        ("postgresql://u:{secret}/d", "neither a file nor a URL"),
        ("postgresql:u:{secret}@h/d", "neither a file nor a URL"),
        ("postgres+nosuch://u:{secret}@h/d", "nosuch"),
        ("sqlite://u:{secret}@/:memory:", "names no file"),
        ("sqlite://u:{secret}@h/d.sqlite", "Invalid SQLite URL"),
    ],
)
def test_no_message_and_no_traceback_has_the_password(
    url: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for secret in (SECRET, quote(SECRET)):
        assert reason in refused(url.format(secret=secret))
    assert [*tmp_path.iterdir()] == []


def test_a_wrong_password_is_an_error_without_it(postgresql: Server, name: str) -> None:
    assert "password authentication failed" in refused(postgresql.url(name, password=SECRET))


def test_commands_show_no_password(postgresql: Server, name: str, tmp_path: Path) -> None:
    fresh = {**os.environ, "HOME": str(tmp_path), "GILBENCH_TRACEBACK": "1"}
    good, bad = postgresql.url(name, connect_timeout="5"), postgresql.url(name, password=SECRET)
    absent = gilbench("history", "list", "--database", good, env=fresh)
    wrong = gilbench("history", "list", "--database", bad, env=fresh)
    assert "no history in postgresql://tester:***@127.0.0.1" in error_lines(absent)[0]
    assert "password authentication failed" in error_lines(wrong)[0]
    (tmp_path / "gilbench.toml").write_text(f"[history]\ndatabase = '''{good}'''\n")
    configured = gilbench("config", env=fresh, cwd=tmp_path)
    assert "tester:***@127.0.0.1" in configured.stdout.replace("\n", "").replace(" ", "")
    shown = [done.stdout + done.stderr for done in (absent, wrong, configured)]
    for form in (PASSWORD, quote(PASSWORD, safe=""), SECRET, quote(SECRET)):
        assert not any(form in text for text in shown)


@pytest.mark.parametrize("source", ["PGPASSWORD", ".pgpass", "PGPASSFILE", "service"])
def test_the_password_can_come_from_where_libpq_finds_it(
    source: str, postgresql: Server, name: str, tmp_path: Path
) -> None:
    """The service file has the whole address."""
    url = postgresql.url(name, password=None)
    variables = {"HOME": str(tmp_path)}
    quoted = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    if source == "PGPASSWORD":
        variables["PGPASSWORD"] = PASSWORD
    elif source == "service":
        url = "postgresql://?service=here"
        (tmp_path / ".pg_service.conf").write_text(
            f"[here]\nhost={HOST}\nport={postgresql.port}\nuser={USER}\ndbname={name}\npassword={PASSWORD}\n"
        )
    else:
        passwords = tmp_path / ".pgpass"
        if source == "PGPASSFILE":
            passwords = tmp_path / "other"
            variables["PGPASSFILE"] = str(passwords)
        passwords.write_text(f"{HOST}:{postgresql.port}:*:{USER}:{quoted}\n")
        passwords.chmod(0o600)
    History(postgresql.url(name), create=True).close()
    done = gilbench("history", "list", "--database", url, env={**os.environ, **variables})
    assert (done.returncode, done.stderr) == (0, "")


# --- options of libpq -----------------------------------------------------------------------------------


def uses_tls(server: Server, name: str) -> list[tuple[bool, ...]]:
    query = f"SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = '{name}'"  # noqa: S608
    return server.execute(query)


def test_options_of_tls_reach_the_server(postgresql: Server, name: str, tmp_path: Path) -> None:
    with History(
        postgresql.url(name, sslmode="verify-full", sslrootcert=postgresql.certificate), create=True
    ):
        assert uses_tls(postgresql, name) == [(True,)]
    with History(postgresql.url(name, sslmode="disable")):
        assert uses_tls(postgresql, name) == [(False,)]
    assert "nosuch.crt" in refused(
        postgresql.url(name, sslmode="verify-full", sslrootcert=tmp_path / "nosuch.crt")
    )


def test_a_server_with_the_certificate_of_another_one_is_refused(postgresql: Server, name: str) -> None:
    elsewhere = postgresql.url(name, sslmode="verify-full", sslrootcert=postgresql.certificate)
    assert "certificate" in refused(elsewhere.replace(HOST, "localhost"))
    assert "certificate" in refused(postgresql.url(name, sslmode="verify-full", sslrootcert="system"))


def test_the_socket_of_the_server_and_a_schema_can_be_named(postgresql: Server, name: str) -> None:
    postgresql.execute("CREATE SCHEMA team", name)
    url = postgresql.url(name, host=postgresql.folder, options="-csearch_path=team")
    with History(url, create=True) as history:
        assert history.add(header(), [cell(1.0)], "a")
        assert "team" not in history.name
        assert quote(str(postgresql.folder), safe="") in history.name
    assert postgresql.execute("SELECT digest FROM team.gilbench_studies", name) == [("a",)]


def test_the_driver_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [one for one in sys.modules if one.partition(".")[0] == "psycopg"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match=r"needs a driver: pip install 'gilbench\[postgresql\]'$"):
        History("postgresql://u:secret@h/d")


# --- other defaults -------------------------------------------------------------------------------------


def test_series_are_in_the_same_order_on_both_databases(
    postgresql: Server, name: str, tmp_path: Path
) -> None:
    """The server orders texts as English does."""
    assert postgresql.execute("SELECT 'a' < 'B'") == [(True,)]
    orders = []
    for place in (postgresql.url(name), str(tmp_path / "history.sqlite")):
        with History(place, create=True) as history:
            history.add(
                header(), [cell(1.0, workload=one, interpreter=two) for one in NAMES for two in NAMES], "a"
            )
            orders.append([(one.case.workload, one.case.interpreter) for one in history.series()])
    assert orders[0] == orders[1] == [(one, two) for one in sorted(NAMES) for two in sorted(NAMES)]


@pytest.mark.parametrize("level", ["serializable", "repeatable read"])
def test_a_stricter_default_of_the_server_makes_no_writer_fail(
    level: str, postgresql: Server, name: str
) -> None:
    postgresql.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'")
    url = postgresql.url(name)
    with History(url, create=True) as one, History(url) as two:
        for number in range(3):
            assert one.add(header(), [cell(1.0, threads=number)], f"one {number}")
            assert two.add(
                header(), [cell(1.0, threads=number), cell(2.0, threads=50 + number)], f"two {number}"
            )
        assert len(one.studies()) == len(two.studies()) == 6


def test_a_server_that_only_reads_is_read_and_says_so_to_a_writer(postgresql: Server, name: str) -> None:
    with History(postgresql.url(name), create=True) as history:
        history.add(header(), [cell(1.0)], "a")
    postgresql.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with History(postgresql.url(name), create=True) as history:
        assert len(history.studies()) == 1
        with pytest.raises(StudyError, match="read-only transaction") as caught:
            history.add(header(), [cell(1.0)], "b")
    assert len(str(caught.value).splitlines()) == 2


def test_a_writer_that_waits_too_long_for_another_one_says_so(
    postgresql: Server, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_database, "TIMEOUT", 1)
    with History(postgresql.url(name), create=True) as one, History(postgresql.url(name)) as two:
        with one._database._engine.begin() as connection:
            lock(connection, 1)
            assert two.studies() == []  # a reader does not wait
            with pytest.raises(StudyError, match="no other process writes") as caught:
                two.add(header(), [cell(1.0)], "a")
        assert two.add(header(), [cell(1.0)], "a")
    assert len(str(caught.value).splitlines()) == 2


def limited_user(server: Server, name: str) -> str:
    """The URL of a user without rights, whom limits of connections hold for."""
    server.execute(f"CREATE ROLE limited_{name} LOGIN PASSWORD '{SECRET}'")
    return f"postgresql://limited_{name}:{quote(SECRET)}@{HOST}:{server.port}/{name}"


def test_a_server_without_a_free_connection_is_asked_again(
    postgresql: Server, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = limited_user(postgresql, name)
    History(postgresql.url(name), create=True).close()
    postgresql.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO limited_{name}", name)
    postgresql.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    with monkeypatch.context() as patch:
        patch.setattr(history_database, "PATIENCE", 0.2)
        assert "too many connections" in refused(url)
    free = threading.Timer(0.5, postgresql.execute, [f"ALTER DATABASE {name} CONNECTION LIMIT -1"])
    free.start()
    with History(url) as history:
        assert history.studies() == []
    free.join()


def test_a_user_without_rights_is_told_so(postgresql: Server, name: str) -> None:
    assert "permission denied" in refused(limited_user(postgresql, name))


def test_the_server_of_the_tests_is_not_reached_without_a_password(postgresql: Server, name: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(postgresql.url(name, password=None), passfile=os.devnull)
