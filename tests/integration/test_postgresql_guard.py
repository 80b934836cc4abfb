"""The PostgreSQL of the tests ends with them, also if they are killed, and leaves no file."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from children import wait_for_end
from postgresql_server import Server

SUPPORT = Path(__file__).parent.parent / "support"
STARTER = """
import time
from postgresql_server import running_server
with running_server() as server:
    print(server.folder, flush=True)
    time.sleep(600)
"""
SOON = 30.0  # s


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
@pytest.mark.usefixtures("postgresql")  # which is skipped where there is none
def test_no_process_and_no_folder_is_left_when_the_tests_are_killed(number: signal.Signals) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        cwd=SUPPORT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with starter:
        assert starter.stdout
        folder = Path(starter.stdout.readline().strip())
        postmaster = int((folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        starter.send_signal(number)
    assert wait_for_end(postmaster)
    end = time.monotonic() + SOON
    while folder.exists():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_server_of_the_tests_needs_nothing_of_the_system_but_its_programs(postgresql: Server) -> None:
    (settings,) = zip(
        *postgresql.execute(
            "SELECT setting FROM pg_settings WHERE name IN "
            "('data_directory', 'config_file', 'hba_file', 'unix_socket_directories', 'ssl_cert_file')"
        ),
        strict=True,
    )
    assert len(settings) == 5
    assert all(Path(setting).is_relative_to(postgresql.folder) for setting in settings)
