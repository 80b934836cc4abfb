"""What an interpreter says of its JIT, real ones and one whose build is pretended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from interpreters_fixture import interpreter

import gilbench

TARGET = Path(gilbench.__file__).parent / "target"
ASK = "import sys; sys.path.insert(0, {!r}); {}import compiling, json; {}"
WRITE = "sys.stdout.write(json.dumps([compiling.jit_kind(), compiling.jit_enabled()]))"
# An interpreter that does not tell, as 3.13, and its record of how it was configured.
PRETENDED = "import sysconfig; sysconfig.get_config_var = lambda name: {!r}; vars(sys).pop('_jit', None); "


def asked(*command: str, before: str = "", **variables: str) -> list[object]:
    code = ASK.format(str(TARGET), before, WRITE)
    done = subprocess.run(
        [*command, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **variables},
        timeout=60,
    )
    found: list[object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("spec", ["2.7", "3.8", "3.11"])
def test_an_interpreter_without_a_jit_has_none(spec: str) -> None:
    assert asked(interpreter(spec).executable, PYTHON_JIT="1") == [None, False]


def test_a_jit_is_on_and_can_be_switched_off_on_pypy() -> None:
    path = interpreter("pypy3").executable
    assert asked(path) == ["native", True]
    assert asked(path, "--jit", "off") == ["native", False]


@pytest.mark.parametrize(
    ("options", "kind", "default"),
    [
        ("'--with-lto'", None, False),
        (None, None, False),
        ("--enable-experimental-jit", "native", True),
        ("'--enable-experimental-jit=yes' '--with-lto'", "native", True),
        ("--enable-experimental-jit=yes-off", "native", False),
        ("--enable-experimental-jit=interpreter", "interpreter", True),
        ("--enable-experimental-jit=interpreter-off", "interpreter", False),
        ("--enable-experimental-jit=no", None, False),
        ("--enable-experimental-jit --disable-experimental-jit", None, False),
        ("'unfinished", None, False),
    ],
)
def test_a_build_that_does_not_tell_is_known_by_how_it_was_configured(
    options: str | None, kind: str | None, default: bool
) -> None:
    before = PRETENDED.format(options)
    assert asked(sys.executable, before=before) == [kind, default]
    for value, forced in (("1", True), ("0", False), ("", default)):
        expected = [kind, forced if kind else False]
        assert asked(sys.executable, before=before, PYTHON_JIT=value) == expected
    assert asked(sys.executable, "-E", before=before, PYTHON_JIT="1") == [kind, default]


@pytest.mark.skipif(not hasattr(sys, "_jit"), reason="this interpreter does not tell")
def test_a_build_that_tells_is_believed() -> None:
    inside = "experimental-jit" in str(sysconfig.get_config_var("CONFIG_ARGS"))
    assert asked(sys.executable)[0] == ("native" if inside else None)
