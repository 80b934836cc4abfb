"""A free-threaded build that gets its GIL back: an extension that does not declare that it runs without it.

Reported for airspeed-velocity/asv#1515, psf/pyperf#187 and plasma-umass/scalene#1065: programs were measured with a GIL
on a build without one.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from commands import gilbench
from interpreters_fixture import absent, interpreter
from watched import need_bpftrace

from gilbench.observe.running import find_python

PROGRAM = Path(__file__).parent / "programs" / "gil_comes_back"
BUILDS = ("3.13t", "3.14t", "3.15t")


def executable(build: str) -> str:
    return interpreter(build).executable


def headers_of(executable: str) -> str:
    code = "import sysconfig; print(sysconfig.get_path('include'))"
    return subprocess.run(
        [executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    ).stdout.strip()


def built(folder: Path, executable: str) -> str:
    """The program and its extension, compiled for an interpreter."""
    compiler = shutil.which("gcc")
    if compiler is None:
        absent("no gcc")
    shutil.copy(PROGRAM / "app.py", folder)
    source, target = PROGRAM / "legacy.c", folder / "legacy.so"
    command = [
        compiler,
        "-O2",
        "-shared",
        "-fPIC",
        f"-I{headers_of(executable)}",
        str(source),
        "-o",
        str(target),
    ]
    subprocess.run(command, check=True, timeout=60)
    return str(folder / "app.py")


def profiled(folder: Path, *arguments: str, **options: Any) -> tuple[dict[str, Any], dict[str, Any], str]:
    """A profile, what the program says of itself, and the page."""
    path = folder / "profile.json"
    done = gilbench("profile", "--observe", "gil", "-o", str(path), *arguments, **options)
    assert path.exists(), done.stderr
    said = next((line for line in done.stdout.splitlines() if line.startswith("TRUTH ")), None)
    assert said is not None, done.stdout + done.stderr
    return json.loads(path.read_text("utf-8")), json.loads(said.removeprefix("TRUTH ")), done.stderr


@pytest.mark.parametrize("build", BUILDS)
def test_from_the_import_on_the_profile_shows_the_gil(build: str, tmp_path: Path) -> None:
    need_bpftrace()
    python = executable(build)
    profile, truth, page = profiled(tmp_path, "--", python, built(tmp_path, python), "0.5")
    assert (truth["gil_before"], truth["gil_after"]) == (False, True)
    process = profile["process"]
    assert process["gil_enabled"] is True
    assert process["gil_switch"]["module"] == "legacy"
    # The program begins a little later than its interpreter, and the import ends when the GIL is enabled.
    assert process["gil_switch"]["after"] == pytest.approx(truth["imported"], abs=0.3)
    assert process["gil_switch"]["left_out"] >= process["gil_switch"]["after"]
    assert profile["probe"]["strength"] == "exact"
    (finding,) = (one for one in profile["findings"] if one["kind"] == "gil_enabled")
    assert "by an import of legacy" in finding["text"]
    threads = {thread["tid"]: thread for thread in profile["threads"]}
    crew = [threads[tid] for tid in truth["crunch"]]
    assert [thread["name"] for thread in crew] == ["crunch-0", "crunch-1"]
    for (
        thread
    ) in crew:  # the same work, and one GIL: each holds it for about a half of the time, and waits for it
        assert thread["gil_held"] > 0.2
        assert thread["gil_wait"] > 0.1
        assert thread["parked"] == []
    assert "GIL enabled" in page
    assert "Parked (by kind of lock)" not in page


@pytest.mark.parametrize("build", BUILDS)
def test_a_gil_that_is_forced_off_stays_off(
    build: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_bpftrace()
    monkeypatch.setenv("PYTHON_GIL", "0")
    python = executable(build)
    profile, truth, page = profiled(tmp_path, "--", python, built(tmp_path, python))
    assert truth["gil_after"] is False
    assert profile["process"]["gil_enabled"] is False
    assert profile["process"]["gil_switch"] is None
    threads = {thread["tid"]: thread for thread in profile["threads"]}
    assert [threads[tid]["name"] for tid in truth["crunch"]] == ["crunch-0", "crunch-1"]
    assert "GIL disabled" in page


@pytest.mark.parametrize("build", BUILDS)
def test_a_gil_that_came_back_before_gilbench_is_seen(build: str, tmp_path: Path) -> None:
    need_bpftrace()
    python = executable(build)
    built(tmp_path, python)
    busy = (
        "import sys, threading; sys.path.insert(0, sys.argv[1]); import legacy\n"
        "def spin():\n    while True: pass\n"
        "for k in range(2): threading.Thread(target=spin, name=f'spin-{k}', daemon=True).start()\n"
        "print('ready', flush=True); sys.stdin.readline()"
    )
    command = [python, "-W", "ignore", "-c", busy, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as target:
        try:
            assert target.stdout is not None
            assert target.stdout.readline() == "ready\n"
            found = find_python(target.pid)
            assert (found.free_threaded, found.gil_enabled, found.gil_returned) == (True, True, True)
            path = tmp_path / "attached.json"
            done = gilbench(
                "profile", "--observe", "gil", "--pid", str(target.pid), "--duration", "1", "-o", str(path)
            )
            assert done.returncode == 0, done.stderr
        finally:
            target.kill()
    profile = json.loads(path.read_text("utf-8"))
    assert profile["process"]["gil_enabled"] is True
    assert "enabled before the profile" in profile["findings"][0]["text"]
    spinning = {thread["name"]: thread for thread in profile["threads"] if thread["name"].startswith("spin-")}
    assert set(spinning) == {"spin-0", "spin-1"}
    assert all(thread["gil_held"] > 0.25 for thread in spinning.values())


@pytest.mark.parametrize("build", BUILDS)
def test_one_thread_that_never_lets_go_of_a_gil_that_came_back_holds_it(build: str, tmp_path: Path) -> None:
    need_bpftrace()
    python = executable(build)
    built(tmp_path, python)
    busy = "import sys; sys.path.insert(0, sys.argv[1]); import legacy\nprint('ready', flush=True)\nwhile True: pass"
    command = [python, "-W", "ignore", "-c", busy, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as target:
        try:
            assert target.stdout is not None
            assert target.stdout.readline() == "ready\n"
            time.sleep(0.2)
            path = tmp_path / "attached.json"
            gilbench(
                "profile", "--observe", "gil", "--pid", str(target.pid), "--duration", "0.5", "-o", str(path)
            )
        finally:
            target.kill()
    (thread,) = json.loads(path.read_text("utf-8"))["threads"]
    assert thread["gil_held"] > 0.9


def test_verify_forces_the_gil_off_and_says_that_a_plain_start_has_it_on(tmp_path: Path) -> None:
    need_bpftrace()
    python = executable(BUILDS[0])
    command = (python, built(tmp_path, python), "0", "8000000")
    profile, _, page = profiled(tmp_path, "--verify", python, "--", *command, seconds=300)
    assert profile["what_if"]["measured_on"].endswith("(GIL forced off)")
    assert profile["what_if"]["measured"] > 1.0
    assert any("PYTHON_GIL=0" in text for text in profile["unavailable"])
    assert "GIL forced off" in page


def test_a_program_that_ends_before_the_gil_can_be_probed_says_so(tmp_path: Path) -> None:
    need_bpftrace()
    python = executable(BUILDS[0])
    built(tmp_path, python)
    short = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import legacy; print('TRUTH', '{{}}')"
    profile, _, page = profiled(tmp_path, "--", python, "-W", "ignore", "-c", short)
    assert profile["process"]["gil_enabled"] is True
    assert profile["process"]["gil_switch"]["module"] == "legacy"
    assert profile["process"]["gil_switch"]["left_out"] == 0.0
    assert "the profile ended before a probe of the GIL was placed" in profile["probe"]["reason"]
    assert all(thread["gil_held"] is None and thread["gil_wait"] is None for thread in profile["threads"])
    assert "parked" not in page
