"""Installs interpreters through uv, into uv's own place, where they are found afterwards."""

from __future__ import annotations

import re
from pathlib import Path

from gilbench.errors import InterpreterError
from gilbench.interpreters.probe import one_line, probe
from gilbench.model import Interpreter, Unusable
from gilbench.process import ProcessError, capture, clean_environment, find_tool

_SPEC = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+@-]*")
_NETWORK = re.compile(
    r"failed to download|error sending request|dns|connect|timed out|request failed", re.IGNORECASE
)
_SECONDS = 3600.0  # a slow line, not a hang: uv has time limits of its own


def find_uv() -> Path | None:
    """The uv that stands beside gilbench as a package, else the one on PATH."""
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - an extra

        return Path(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = find_tool("uv")
        return Path(found) if found else None


def install(spec: str) -> Interpreter:
    """Let uv install an interpreter.

    Args:
        spec: As uv understands it: 3.13t, 3.14, pypy3.11, graalpy.

    Raises:
        InterpreterError: There is no uv, it knows no such interpreter, or the network refuses.
    """
    if not _SPEC.fullmatch(spec):
        raise InterpreterError(
            f"not an interpreter that uv could know: {spec!r} (such as 3.13t, 3.14 or pypy3.11)"
        )
    uv = find_uv()
    if uv is None:
        raise InterpreterError(
            "uv is not installed, and it is what installs interpreters\n"
            f"Next: `pip install uv`, or build from source: {_build_hint(spec)}"
        )
    _uv(uv, "install", spec)
    found = Path(_uv(uv, "find", spec).strip().splitlines()[-1])
    answer = probe(found)
    if isinstance(answer, Unusable):
        raise InterpreterError(f"uv installed {found}, but it cannot be used: {answer.reason}")
    return answer


def _uv(uv: Path, command: str, spec: str) -> str:
    # Only uv's own interpreters count, and no links are put on PATH.
    environment = clean_environment({"UV_PYTHON_PREFERENCE": "only-managed", "UV_PYTHON_INSTALL_BIN": "0"})
    try:
        done = capture([str(uv), "python", command, spec], seconds=_SECONDS, env=environment)
    except ProcessError as error:
        raise InterpreterError(f"cannot install {spec}: {error}") from error
    if done.status != 0:
        raise InterpreterError(_explain(spec, done.stderr))
    return done.stdout


def _explain(spec: str, stderr: str) -> str:
    """Two lines out of uv's chain of causes: what failed and why, and the next step."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    what = next((line.removeprefix("error:").strip() for line in lines if line.startswith("error:")), "")
    causes = [line.removeprefix("cause:").strip() for line in lines if line.lower().startswith("cause")]
    why = f": {causes[-1]}" if causes else ""
    if _NETWORK.search(stderr):
        return (
            f"{one_line(f'uv could not download {spec}{why}')}\n"
            f"Next: build from source: {_build_hint(spec)}; or name a mirror in UV_PYTHON_INSTALL_MIRROR"
        )
    reason = what or (lines[-1] if lines else "it gave no reason")
    message = one_line(f"uv could not install {spec}: {reason}{why}")
    return f"{message}\nNext: `uv python list` shows what uv can install"


def _build_hint(spec: str) -> str:
    threaded = re.fullmatch(r"[^a-z]*\d+\.\d+[^a-z]*t", spec) or "+freethreaded" in spec
    return f"`gilbench pythons build SOURCE{' --flavour t' if threaded else ''}`"
