from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import psutil
import pytest
from interpreters_fakes import answer, program

from gilbench.interpreters.build import Progress, build
from gilbench.interpreters.find import candidates
from gilbench.interpreters.probe import MARK
from gilbench.model.errors import InterpreterError

CONFIGURE = r"""
echo "$@" >> "$(dirname "$0")/configured"
for argument; do
    case $argument in
        --prefix=*) prefix=${argument#--prefix=} ;;
        --disable-gil) flavour=t ;;
    esac
done
cat > Makefile <<END
all:
	gcc() { :; }; gcc -c one.o
	gcc() { :; }; gcc -c two.o
	COMPILE
install: all
	mkdir -p "\$(DESTDIR)$prefix/bin"
	cp "$(dirname "$0")/python$flavour" "\$(DESTDIR)$prefix/bin/python3"
END
"""


def source(folder: Path, version: str = "3.13.5", compile_: str = "true") -> Path:
    """A folder that looks like CPython's source and builds in no time."""
    (folder / "Include").mkdir(parents=True)
    (folder / "Include/patchlevel.h").write_text(f'#define PY_VERSION  "{version}"\n')
    program(folder / "configure", CONFIGURE.replace("COMPILE", compile_))
    for flavour in ("", "t"):
        numbers = [int(number) for number in re.findall(r"\d+", version)[:3]]
        said = answer(version=version, version_info=numbers, free_threaded=flavour == "t")
        program(folder / f"python{flavour}", f"echo '{MARK}{json.dumps(said)}'")
    return folder


def tarball(path: Path, folder: Path, name: str = "Python-3.13.5") -> Path:
    with tarfile.open(path, "w:xz") as archive:
        archive.add(folder, name)
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/gilbench/interpreters"


def contents(cache: Path) -> list[str]:
    return sorted(entry.name for entry in cache.iterdir() if entry.name != ".lock")


def test_both_flavours_are_built_with_the_same_flags_and_found(cache: Path, tmp_path: Path) -> None:
    tree = source(tmp_path / "tree")
    gil, threaded = build(tree, flavours=["gil", "t"])
    assert [gil.interpreter.name, threaded.interpreter.name] == ["3.13", "3.13t"]
    assert not gil.existed
    assert contents(cache) == ["3.13.5", "3.13.5t"]
    ordinary, free = [line.split() for line in (tree / "configured").read_text().splitlines()]
    assert ordinary[0] == f"--prefix={cache}/3.13.5"
    assert free[0] == f"--prefix={cache}/3.13.5t"
    assert free[1:] == [*ordinary[1:], "--disable-gil"]
    assert Path(threaded.interpreter.executable) in candidates()


def test_optimized_builds_have_their_own_place_and_flags(cache: Path, tmp_path: Path) -> None:
    tree = source(tmp_path / "tree")
    build(tree, flavours=["t"], optimize=True)
    assert contents(cache) == ["3.13.5t-pgo"]
    assert {"--enable-optimizations", "--with-lto"} <= set((tree / "configured").read_text().split())


def test_a_name_takes_the_place_of_the_version(cache: Path, tmp_path: Path) -> None:
    build(source(tmp_path / "tree"), flavours=["gil", "t"], name="mine")
    assert contents(cache) == ["mine", "minet"]


def test_a_tarball_is_unpacked_and_nothing_of_it_stays(cache: Path, tmp_path: Path) -> None:
    path = tarball(tmp_path / "source.tar.xz", source(tmp_path / "tree"))
    build(path)
    assert contents(cache) == ["3.13.5"]


@pytest.mark.parametrize("filtered", [True, False])
def test_a_tarball_cannot_write_outside(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, filtered: bool
) -> None:
    if not filtered and sys.version_info < (3, 12):  # later ones always have a filter
        monkeypatch.delattr(tarfile, "data_filter", raising=False)  # as before 3.11.4
    path = tmp_path / "source.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(source(tmp_path / "tree"), "Python")
        for name in ("../../../escaped", str(tmp_path / "escaped"), "Python/../../../../escaped"):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        link = tarfile.TarInfo("Python/link")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("Python/link/escaped"), io.BytesIO())
    build(path)
    assert not list(tmp_path.rglob("escaped"))
    assert contents(cache) == ["3.13.5"]


def test_a_finished_build_is_left_alone_and_said_so(cache: Path, tmp_path: Path) -> None:
    tree = source(tmp_path / "tree")
    build(tree)
    before = (cache / "3.13.5/bin/python3").stat().st_mtime_ns
    again = build(tree, flavours=["gil", "t"])
    assert [one.existed for one in again] == [True, False]
    assert (cache / "3.13.5/bin/python3").stat().st_mtime_ns == before


def test_progress_counts_the_objects_that_make_announced(cache: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    build(source(tmp_path / "tree"), report=seen.append)
    assert [one.phase for one in seen] == ["configure", "compile", "compile", "compile", "install"]
    assert [(one.done, one.total) for one in seen[1:4]] == [(0, None), (1, 2), (2, 2)]
    assert {one.name for one in seen} == {"3.13.5"}
    assert (cache.parent / "logs/build-3.13.5.log").read_text().count("-c two.o") == 2


def test_a_failed_build_names_the_log_and_its_last_error_and_leaves_nothing(
    cache: Path, tmp_path: Path
) -> None:
    tree = source(tmp_path / "tree", compile_="echo 'ceval.c:1:2: error: no such thing'; echo more; exit 1")
    with pytest.raises(InterpreterError) as caught:
        build(tree)
    log = cache.parent / "logs/build-3.13.5.log"
    assert str(caught.value).splitlines() == [
        "cannot build 3.13.5: compile failed: ceval.c:1:2: error: no such thing",
        f"See the whole log: {log}",
    ]
    assert "more" in log.read_text()
    assert contents(cache) == []


def test_a_source_whose_configure_has_lost_its_run_bit_is_built(cache: Path, tmp_path: Path) -> None:
    tree = source(tmp_path / "tree")
    (tree / "configure").chmod(0o644)
    build(tree)
    assert contents(cache) == ["3.13.5"]


@pytest.mark.parametrize(
    ("body", "why"),
    [("exit 7", "exit status 7"), ("kill -KILL $$", "exit status -9"), ("fi", "Syntax error")],
)
def test_a_configure_that_ends_without_a_reason_is_an_error_that_has_one(
    cache: Path, tmp_path: Path, body: str, why: str
) -> None:
    program(source(tmp_path / "tree") / "configure", body)
    with pytest.raises(InterpreterError, match=f"configure failed: .*{why}"):
        build(tmp_path / "tree")
    assert contents(cache) == []


def test_a_full_disk_is_the_error_that_is_named(cache: Path, tmp_path: Path) -> None:
    tree = source(tmp_path / "tree", compile_="echo 'x.o: No space left on device'; exit 1")
    with pytest.raises(InterpreterError, match="No space left on device"):
        build(tree)
    assert contents(cache) == []


def test_a_build_that_is_not_what_was_asked_for_is_not_installed(cache: Path, tmp_path: Path) -> None:
    tree = source(tmp_path / "tree")
    (tree / "pythont").write_text((tree / "python").read_text())
    with pytest.raises(InterpreterError, match=r"is not a working 3\.13\.5t: it is 3\.13"):
        build(tree, flavours=["t"])
    assert contents(cache) == []


def test_a_folder_in_the_way_that_is_no_interpreter_is_named(cache: Path, tmp_path: Path) -> None:
    (cache / "3.13.5").mkdir(parents=True)
    with pytest.raises(InterpreterError, match="no python in it\nRemove that folder"):
        build(source(tmp_path / "tree"))


@pytest.mark.parametrize("version", ["3.12.1", "2.7.18"])
def test_an_old_version_has_no_free_threaded_flavour(cache: Path, tmp_path: Path, version: str) -> None:
    with pytest.raises(InterpreterError, match=r"use 3\.13 or later for flavour t"):
        build(source(tmp_path / "tree", version), flavours=["gil", "t"])
    assert not cache.exists()


def test_a_pre_release_keeps_its_whole_version(cache: Path, tmp_path: Path) -> None:
    build(source(tmp_path / "tree", "3.15.0a2+"))
    assert contents(cache) == ["3.15.0a2+"]


@pytest.mark.parametrize("name", ["../out", "a/b", "", ".hidden", "-x", "a\nb"])
def test_a_name_that_leaves_the_cache_is_refused(cache: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(InterpreterError, match="invalid build name"):
        build(source(tmp_path / "tree"), name=name)
    assert not cache.exists()


def test_what_is_not_cpythons_source_is_said_in_two_lines_at_most(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("text")
    whole = tarball(tmp_path / "whole.tar.xz", source(tmp_path / "tree")).read_bytes()
    (tmp_path / "cut.tar.xz").write_bytes(whole[: len(whole) // 2])
    other = tarball(tmp_path / "other.tar.xz", tmp_path / "empty")
    for path in (tmp_path / "empty", tmp_path / "text", tmp_path / "cut.tar.xz", other, tmp_path / "absent"):
        with pytest.raises(InterpreterError) as caught:
            build(path)
        assert str(path) in str(caught.value)
        assert len(str(caught.value).splitlines()) <= 2
    assert not cache.exists() or contents(cache) == []  # a cut tarball may be noticed late


def test_a_missing_compiler_and_make_are_named_with_the_next_step(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(InterpreterError, match=r"a C compiler and make.*\nInstall .*build-essential"):
        build(source(tmp_path / "tree"))
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(InterpreterError, match=r"^cannot build in \S+: Not a directory$"):
        build(source(tmp_path / "tree"))


def test_only_one_build_runs_at_a_time(cache: Path, tmp_path: Path) -> None:
    cache.mkdir(parents=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InterpreterError, match="another build is running"):
            build(source(tmp_path / "tree"))


def test_what_a_killed_build_left_is_cleared_away_and_never_found(cache: Path, tmp_path: Path) -> None:
    (cache / ".building-killed/stage/bin").mkdir(parents=True)
    build(source(tmp_path / "tree"))
    assert contents(cache) == ["3.13.5"]


def interrupted(tmp_path: Path, number: signal.Signals) -> int:
    """Send a signal to a gilbench that builds; the process id of its busy compiler."""
    tree = source(tmp_path / "tree", compile_=f"echo \\$\\$\\$\\$ > {tmp_path}/pid; exec sleep 300")
    gilbench = subprocess.Popen(
        [sys.executable, "-m", "gilbench", "pythons", "build", str(tree)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # A CI may start the tests in the background of a shell, which lets its children ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + 30
        while not (tmp_path / "pid").is_file() or not (tmp_path / "pid").read_text().strip():
            assert time.monotonic() < deadline
            assert gilbench.poll() is None
            time.sleep(0.02)
        gilbench.send_signal(number)
        gilbench.wait(20)
        assert gilbench.stderr
        errors = gilbench.stderr.read() if number == signal.SIGINT else b""
    finally:
        gilbench.kill()
        assert gilbench.stderr
        gilbench.stderr.close()
    assert gilbench.returncode not in {0, None}
    assert b"Traceback" not in errors
    return int((tmp_path / "pid").read_text())


def is_running(pid: int) -> bool:
    """Whether it does anything; one that has ended may wait for init to notice."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_build_that_is_interrupted_leaves_no_process_and_no_half_build(cache: Path, tmp_path: Path) -> None:
    compiler = interrupted(tmp_path, signal.SIGINT)
    assert not is_running(compiler)
    assert contents(cache) == []


def test_a_build_that_was_killed_is_never_found_and_does_not_stand_in_the_way(
    cache: Path, tmp_path: Path
) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(interrupted(tmp_path, signal.SIGKILL), signal.SIGKILL)
    assert not [path for path in candidates() if path.is_relative_to(cache)]
    build(source(tmp_path / "again"))
    assert contents(cache) == ["3.13.5"]
