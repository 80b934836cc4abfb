"""The hooks of the plugin. What measures is imported by the first test that uses the fixture."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from gilbench.testing.marker import MARKER, Settings, settings_of
from gilbench.testing.options import add_options, options_of

if TYPE_CHECKING:
    from gilbench.testing.fixture import Gilbench
    from gilbench.testing.session import MeasuredSession

_ENCODED = pytest.StashKey[list[str]]()  # measurements of a test that its next report takes along


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and check the options."""
    config.addinivalue_line("markers", MARKER)
    options_of(config)
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist, whose reports go to the controller
        config.pluginmanager.register(_Collector(config), "gilbench-collector")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat a test with the values of its marker."""
    marker = metafunc.definition.get_closest_marker("gilbench")
    if marker is None:
        return
    if "gilbench" not in metafunc.fixturenames:
        pytest.fail(
            "the marker gilbench needs the fixture; add the argument gilbench to the test", pytrace=False
        )
    try:
        settings = settings_of(marker)
    except ValueError as error:
        pytest.fail(f"marker gilbench: {error}", pytrace=False)
    if settings != [Settings()]:
        metafunc.parametrize("gilbench", settings, ids=[one.name for one in settings], indirect=True)


@pytest.fixture
def gilbench(request: pytest.FixtureRequest) -> Gilbench:
    """Check that calls scale with threads or release the GIL, and profile blocks of a test."""
    from gilbench.testing.fixture import Gilbench  # noqa: PLC0415 - heavy

    options = options_of(request.config)
    encoded = request.node.stash.setdefault(_ENCODED, [])
    return Gilbench(
        request.node.nodeid,
        getattr(request, "param", Settings()),
        effort=options.effort,
        strict=options.strict,
        report=encoded.append,
        tell=lambda text: _tell(request.config, text),
    )


def _tell(config: pytest.Config, text: str) -> None:
    """Write a line at once, past the capture. A worker of pytest-xdist has no terminal; the summary tells instead."""
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if terminal is not None and not hasattr(config, "workerinput"):
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            terminal.write_line(f"gilbench: {text}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send measurements along with the report, from wherever the test ran."""
    report = yield
    encoded = item.stash.get(_ENCODED, [])
    if encoded:
        report.gilbench = [*encoded]  # type: ignore[attr-defined]
        encoded.clear()
    return report


class _Collector:
    """Receives the reports of all tests, in the process that ends the session."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._session: MeasuredSession | None = None  # None: no test measured anything

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the measurements of a test."""
        encoded = getattr(report, "gilbench", None)
        if encoded:
            self._needed().add(encoded)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Save and compare; a regression is a failure of the session."""
        if self._session is not None:
            session.exitstatus = self._session.finish(int(session.exitstatus))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the table."""
        if self._session is not None:
            terminalreporter.write_sep("=", "gilbench")
            terminalreporter.write(self._session.summary())

    def _needed(self) -> MeasuredSession:
        if self._session is None:
            from gilbench.testing.session import MeasuredSession  # noqa: PLC0415 - heavy

            self._session = MeasuredSession(options_of(self._config))
        return self._session
