from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from interpreters_fakes import answering, program

from gilbench.interpreters import install as module
from gilbench.interpreters.install import install
from gilbench.model.errors import InterpreterError

REFUSED = """error: Failed to install cpython-3.13.18+freethreaded-linux-x86_64-gnu
  cause: Request failed after 3 retries in 9.6s
  cause: Failed to download `https://downloads.invalid/cpython.tar.gz`
  cause: client error (Connect)
  cause: failed to lookup address information: Name or service not known
"""
BUILD_INSTEAD = (
    "Build from source: gilbench pythons build SOURCE --flavour t;"
    " or name a mirror in UV_PYTHON_INSTALL_MIRROR."
)


def uv(monkeypatch: pytest.MonkeyPatch, folder: Path, body: str) -> None:
    path = program(folder / "uv", f'echo "$@ $UV_PYTHON_PREFERENCE" >> {folder}/calls\n{body}')
    monkeypatch.setattr(module, "find_uv", lambda: path)


def message(spec: str) -> list[str]:
    with pytest.raises(InterpreterError) as caught:
        install(spec)
    return str(caught.value).splitlines()


def test_what_uv_installs_is_found_and_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = answering(tmp_path / "python3.13t", free_threaded=True, gil_enabled=False)
    uv(monkeypatch, tmp_path, f'[ "$2" = find ] && echo {python}; exit 0')
    assert install("3.13t").executable == str(python)
    assert (tmp_path / "calls").read_text().splitlines() == [
        "python install 3.13t only-managed",
        "python find 3.13t only-managed",
    ]


def test_a_network_that_refuses_leads_to_building(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    uv(monkeypatch, tmp_path, f"printf %s {shlex.quote(REFUSED)} >&2; exit 1")
    assert message("3.13t") == [
        "uv could not download 3.13t: failed to lookup address information: Name or service not known",
        BUILD_INSTEAD,
    ]
    assert "--flavour" not in message("3.13")[1]


def test_what_uv_does_not_know_is_said_in_its_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    uv(monkeypatch, tmp_path, "echo 'error: No download found for request: cpython-9.9' >&2; exit 2")
    first, second = message("9.9")
    assert first == "uv could not install 9.9: No download found for request: cpython-9.9"
    assert "uv python list" in second


def test_without_uv_both_ways_on_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_uv", lambda: None)
    first, second = message("3.14t")
    assert "uv is not installed" in first
    assert "pip install uv" in second
    assert "gilbench pythons build SOURCE --flavour t" in second


def test_what_was_installed_but_does_not_run_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = program(tmp_path / "python3", "kill -ILL $$")
    uv(monkeypatch, tmp_path, f"echo {broken}")
    assert message("3.13") == [
        f"uv installed {broken}, but it cannot be used: ended by signal 4",
        "Build from source instead: gilbench pythons build SOURCE",
    ]


@pytest.mark.parametrize("spec", ["", "--help", "3.13 --default", "../x", "$(id)"])
def test_a_spec_cannot_become_an_option_of_uv(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spec: str
) -> None:
    uv(monkeypatch, tmp_path, "exit 0")
    assert len(message(spec)) == 1
    assert not (tmp_path / "calls").exists()


def test_a_uv_that_cannot_be_started_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "find_uv", lambda: tmp_path / "absent")
    assert "No such file" in message("3.13")[0]
