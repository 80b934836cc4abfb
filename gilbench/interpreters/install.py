"""Installs interpreters with uv, in uv's own folder, where gilbench finds them."""

from __future__ import annotations

import re
from pathlib import Path

from gilbench.host.capture import capture
from gilbench.host.environment import clean_environment, find_tool
from gilbench.host.process import ProcessError
from gilbench.interpreters.probe import one_line, probe
from gilbench.model.errors import InterpreterError
from gilbench.model.study import Interpreter, Unusable

_SPEC = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+@-]*")
_NETWORK = re.compile(
    r"failed to download|error sending request|dns|connect|timed out|request failed", re.IGNORECASE
)
_SECONDS = 3600.0  # for slow connections; uv has its own timeouts


def find_uv() -> Path | None:
    """Return the uv that is installed as a package with gilbench; otherwise, the one in PATH."""
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - an extra

        return Path(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = find_tool("uv")
        return Path(found) if found else None


def install(spec: str) -> Interpreter:
    """Install an interpreter with uv.

    Args:
        spec: Interpreter as uv names it: 3.13t, 3.14, pypy3.11, graalpy.

    Raises:
        InterpreterError: uv is not installed, does not know the interpreter, or cannot download it.
    """
    if not _SPEC.fullmatch(spec):
        raise InterpreterError(
            f"{spec!r} is not an interpreter that uv can install; use for example 3.13t, 3.14, or pypy3.11"
        )
    uv = find_uv()
    if uv is None:
        raise InterpreterError(
            f"cannot install {spec}: uv is not installed\n"
            f"Install uv (pip install uv), or build from source: {_build_hint(spec)}"
        )
    _uv(uv, "install", spec)
    found = Path(_uv(uv, "find", spec).strip().splitlines()[-1])
    answer = probe(found)
    if isinstance(answer, Unusable):
        raise InterpreterError(
            f"uv installed {found}, but it cannot be used: {answer.reason}\n"
            f"Build from source instead: {_build_hint(spec)}"
        )
    return answer


def _uv(uv: Path, command: str, spec: str) -> str:
    # Use only uv's own interpreters, and put no links in PATH.
    environment = clean_environment({"UV_PYTHON_PREFERENCE": "only-managed", "UV_PYTHON_INSTALL_BIN": "0"})
    try:
        done = capture([str(uv), "python", command, spec], seconds=_SECONDS, env=environment)
    except ProcessError as error:
        raise InterpreterError(f"cannot install {spec}: {error}") from error
    if done.status != 0:
        raise InterpreterError(_explain(spec, done.stderr))
    return done.stdout


def _explain(spec: str, stderr: str) -> str:
    """Reduce uv's chain of causes to two lines: the problem, and the next step."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    what = next((line.removeprefix("error:").strip() for line in lines if line.startswith("error:")), "")
    causes = [line.removeprefix("cause:").strip() for line in lines if line.lower().startswith("cause")]
    why = f": {causes[-1]}" if causes else ""
    if _NETWORK.search(stderr):
        return (
            f"{one_line(f'uv could not download {spec}{why}')}\n"
            f"Build from source: {_build_hint(spec)}; or name a mirror in UV_PYTHON_INSTALL_MIRROR."
        )
    reason = what or (lines[-1] if lines else "no reason given")
    message = one_line(f"uv could not install {spec}: {reason}{why}")
    return f"{message}\nSee the interpreters that uv can install: uv python list"


def _build_hint(spec: str) -> str:
    threaded = re.fullmatch(r"[^a-z]*\d+\.\d+[^a-z]*t", spec) or "+freethreaded" in spec
    return f"gilbench pythons build SOURCE{' --flavour t' if threaded else ''}"
