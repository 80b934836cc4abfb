"""A real PostgreSQL of the tests' own: a temporary folder, a free port, passwords, and TLS.

It runs as another user if the tests run as root, which PostgreSQL refuses. A guard stops it and removes its folder when
the tests end, also by SIGKILL.
"""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from interpreters_fixture import absent

USER, PASSWORD = "tester", "g:h/e@i%m '\\"
OLDEST = 15  # version that orders texts as languages do, without the system's locales
TRIES = 3  # ports; another program may take one before the server does
_GUARD = Path(__file__).with_name("postgresql_guard.py")
_numbers = itertools.count()


class Server(NamedTuple):
    """A PostgreSQL that runs.

    Attributes:
        folder: Its folder, with the socket and the certificate.
        programs: Folder of initdb and pg_ctl.
        port: Port at 127.0.0.1, and of the socket.
        fsync: Whether a commit waits for the disk.
    """

    folder: Path
    programs: Path
    port: int
    fsync: bool

    @property
    def certificate(self) -> Path:
        """The certificate that it signed itself, for 127.0.0.1."""
        return self.folder / "server.crt"

    @property
    def options(self) -> str:
        """The options of a start; a restart keeps them."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "ssl": "on",
            "ssl_cert_file": self.certificate,
            "ssl_key_file": self.folder / "server.key",
            "fsync": "on" if self.fsync else "off",
        }
        return " ".join(f"-c {name}={value}" for name, value in settings.items())

    def url(
        self,
        database: str,
        *,
        password: str | None = PASSWORD,
        port: int | None = None,
        **options: str | Path,
    ) -> str:
        """Return the URL of a database; options are those of libpq."""
        user = USER if password is None else f"{USER}:{quote(password, safe='')}"
        query = f"?{urlencode(options)}" if options else ""
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/{database}{query}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """Create a database for a while, and yield its name."""
        name = f"history_{os.getpid()}_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield name
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, query: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Execute a query outside of a transaction, and return its rows."""
        return execute(self.url(database), query)

    def control(self, *words: str) -> None:
        """Call pg_ctl, and wait until it has done its work."""
        self.run("pg_ctl", "-D", self.folder / "data", "-w", "-l", self.folder / "log", *words)

    def run(self, program: str, *words: str | Path) -> None:
        """Run a program of PostgreSQL as its user."""
        done = subprocess.run(
            [self.programs / program, *words],
            user=_other_user(),
            group=_other_user(),
            extra_groups=[] if _other_user() else None,
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        log = self.folder / "log"
        assert done.returncode == 0, done.stdout + done.stderr + (log.read_text() if log.exists() else "")


def execute(url: str, query: str) -> list[tuple[Any, ...]]:
    """Execute a query outside of a transaction, and return its rows."""
    import psycopg  # noqa: PLC0415 - few tests need it

    with psycopg.connect(url, autocommit=True) as connection:
        done = connection.execute(query)
        return done.fetchall() if done.description else []


@contextmanager
def running_server(*, fsync: bool = False) -> Iterator[Server]:
    """Start a server, and stop it at the end."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="gilbench-postgresql-"))
    user = _other_user()
    guard = subprocess.Popen(
        [
            sys.executable,
            "-I",
            _GUARD,
            folder,
            folder / "data",
            programs / "pg_ctl",
            *([user] if user else []),
        ],
        stdin=subprocess.PIPE,
        start_new_session=True,  # the terminal's Ctrl-C is for pytest
    )
    assert guard.stdin
    try:
        yield _start(Server(folder, programs, port=0, fsync=fsync))
    finally:
        guard.stdin.close()
        guard.wait(60)


def _programs() -> Path:
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")  # Debian
    versions = {int(path.parts[-3]): path.parent for path in found if path.parts[-3].isdecimal()}
    if not versions or max(versions) < OLDEST:
        absent(f"no PostgreSQL {OLDEST} or newer in /usr/lib/postgresql")
    return versions[max(versions)]


def _other_user() -> str | None:
    return "postgres" if os.geteuid() == 0 else None


def _start(server: Server) -> Server:
    folder = server.folder
    (folder / "password").write_text(PASSWORD)
    _make_certificate(folder)
    if (user := _other_user()) is not None:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, user)
    language = ("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US", "--encoding=UTF8")
    secret = ("--auth=scram-sha-256", f"--pwfile={folder / 'password'}")
    server.run("initdb", "-D", folder / "data", "-U", USER, "--no-sync", *language, *secret)
    for left in reversed(range(TRIES)):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            server = server._replace(port=free.getsockname()[1])
        try:
            server.control("start", "-o", server.options)
        except AssertionError:
            if not left:
                raise
        else:
            break
    return server


def _make_certificate(folder: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(folder / "server.key"), "-out", str(folder / "server.crt")),
        ],
        check=True,
        capture_output=True,
    )
