"""A profile that is killed leaves nothing in the temporary folder, whatever observes."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from commands import start
from interpreters_fixture import interpreter

BUSY = "import os\nwhile True: os.getppid()"


def children_of(pid: int) -> set[str]:
    found = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found.add(Path(f"/proc/{child}/comm").read_text().strip())
    return found


@pytest.mark.parametrize("tool", ["bpftrace", "strace"])
def test_a_profile_that_is_killed_leaves_nothing(tmp_path: Path, tool: str) -> None:
    if shutil.which(tool) is None or os.geteuid() != 0:
        pytest.skip(f"needs {tool} and root")
    tools, temporary = tmp_path / "tools", tmp_path / "temporary"
    tools.mkdir()
    temporary.mkdir()
    (tools / tool).symlink_to(str(shutil.which(tool)))
    environment = {**os.environ, "PATH": str(tools), "TMPDIR": str(temporary)}
    with subprocess.Popen([interpreter("3.11").executable, "-c", BUSY], stdin=subprocess.DEVNULL) as target:
        try:
            time.sleep(0.5)
            process = start("profile", "--pid", str(target.pid), env=environment)
            deadline = time.monotonic() + 20
            while not {tool, "py-spy"} <= children_of(process.pid):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            time.sleep(0.5)
            process.kill()
            process.communicate()
        finally:
            target.kill()
    assert not list(temporary.iterdir())
