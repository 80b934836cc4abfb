from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gilbench.process import capture

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)],
    ids=" ".join,
)
def test_the_code_is_clean(command: tuple[str, ...]) -> None:
    done = capture([sys.executable, "-m", *command], seconds=300, cwd=ROOT)
    assert done.status == 0, done.stdout + done.stderr
