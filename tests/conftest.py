"""What all tests share.

``pytest tests/render/test_golden.py --regenerate`` writes the golden files anew; look at their diff before it is
committed.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest
from postgresql_server import Server, running_server


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate", action="store_true", help="write the golden files anew")
    parser.addoption("--kills", type=int, default=6, help="how often a session is killed in test_kills")


def pytest_configure() -> None:
    """Take Ctrl-C and a closed terminal as usual. A shell lets what it starts in the background ignore them."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture
def regenerate(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--regenerate"))


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same terminal everywhere: 80 columns wide, whatever the environment says."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture(autouse=True, scope="session")
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of the tests' own, in which only the user's built interpreters are found again."""
    home = tmp_path_factory.mktemp("cache")
    (home / "gilbench").mkdir()
    (home / "gilbench" / "interpreters").symlink_to(platformdirs.user_cache_path("gilbench") / "interpreters")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("XDG_CACHE_HOME", str(home))
        yield home


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL for all tests of the session."""
    with running_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a history can be: a file that does not exist yet, and the URL of an empty database."""
    if request.param == "sqlite":
        yield str(tmp_path / "history.sqlite")
        return
    server: Server = request.getfixturevalue("postgresql")
    with server.database() as name:
        yield server.url(name)
