from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import platformdirs
import pytest
from interpreters_fakes import answer, answering, program

from gilbench.interpreters import cache, find_all, probe, select
from gilbench.interpreters.cache import ask, ask_all
from gilbench.interpreters.find import own_executable
from gilbench.interpreters.probe import MARK
from gilbench.model.study import Interpreter, Unusable

SHELL = os.path.realpath("/bin/sh")  # an ELF binary that does what a script says
ROOT = os.geteuid() == 0


class Fake:
    """Executables that leave a trace when they are run, and what they answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.library = folder / "libpython.so"
        self.library.write_text("one")
        self.trace = folder / "trace"
        self.script = folder / "ask.sh"
        self.say()

    def say(self, *, files: tuple[Path, ...] = (), status: int = 0, **changes: Any) -> None:
        """Make every executable answer so from now on."""
        said = answer(image="IMAGE", files=[str(file) for file in (self.library, *files)], **changes)
        self.script.write_text(
            f"echo run >>{self.trace}\n"
            f"sed \"s|IMAGE|$(readlink /proc/$$/exe)|\" <<'END'\n{MARK}{json.dumps(said)}\nEND\n"
            f"exit {status}\n"
        )

    def executable(self, name: str = "python3") -> Path:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        shutil.copy(SHELL, path)
        return path

    @property
    def runs(self) -> int:
        return len(self.trace.read_text().splitlines()) if self.trace.exists() else 0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def fake(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    found = Fake(tmp_path)
    monkeypatch.setattr(probe, "SCRIPT", found.script)
    monkeypatch.setattr(cache, "_SETTLED", 0)
    assert home
    return found


def file(home: Path) -> Path:
    return home / "gilbench" / "discovery" / "answers.json"


def runs_again(fake: Fake, path: Path) -> bool:
    before = fake.runs
    ask(path)
    return fake.runs > before


def tick() -> None:
    """Wait until the file system's clock has moved."""
    time.sleep(0.03)


def test_an_interpreter_that_has_not_changed_is_not_run_again(fake: Fake, home: Path) -> None:
    paths = [fake.executable("python3"), fake.executable("python3.13")]
    first = ask_all(paths)
    assert fake.runs == 2
    assert ask_all(paths) == first
    assert ask(paths[1]) == first[1]
    assert fake.runs == 2
    assert isinstance(first[0], Interpreter)
    assert file(home).stat().st_mode & 0o777 == 0o600
    assert file(home).parent.stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in file(home).parent.iterdir()] == ["answers.json"]


def test_refresh_asks_again_and_keeps_the_new_answer(fake: Fake) -> None:
    path = fake.executable()
    ask(path)
    fake.say(version="3.13.9", version_info=[3, 13, 9])
    again = ask(path, refresh=True)
    assert isinstance(again, Interpreter)
    assert again.build.version == "3.13.9"
    assert ask(path) == again
    assert fake.runs == 2


def test_an_answer_that_refresh_cannot_keep_is_forgotten(fake: Fake) -> None:
    path = fake.executable()
    ask(path)
    fake.say(status=1)
    assert isinstance(ask(path, refresh=True), Unusable)
    assert runs_again(fake, path)


def test_an_interpreter_moved_over_another_is_asked(fake: Fake) -> None:
    path = fake.executable()
    ask(path)
    fake.executable("newer").rename(path)
    assert runs_again(fake, path)
    assert not runs_again(fake, path)


def test_an_interpreter_of_the_same_size_and_time_is_asked(fake: Fake) -> None:
    path = fake.executable()
    ask(path)
    before = path.stat()
    tick()
    with path.open("r+b") as content:
        content.write(content.read(4))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (
        before.st_ino,
        before.st_size,
        before.st_mtime_ns,
    )
    assert runs_again(fake, path)


def test_a_file_behind_the_answer_that_changes_makes_the_interpreter_be_asked(fake: Fake) -> None:
    path, package = fake.executable(), fake.folder / "site-packages"
    package.mkdir()
    fake.say(files=(package, fake.folder / "absent"))
    ask(path)
    for change in (
        lambda: fake.library.write_text("two"),
        lambda: (package / "startup.pth").write_text("import x"),
        lambda: (fake.folder / "absent").write_text(""),
        lambda: (path.parent / "pyvenv.cfg").write_text(""),
        lambda: (path.parent.parent / "pyvenv.cfg").write_text(""),
        fake.library.unlink,
    ):
        assert not runs_again(fake, path)
        tick()
        change()
        assert runs_again(fake, path)


@pytest.mark.parametrize("alike", [False, True])
def test_a_link_that_leads_elsewhere_is_asked(fake: Fake, alike: bool) -> None:
    one, other, link = fake.executable("one"), fake.executable("other"), fake.folder / "python3"
    if alike:  # one file under two names, of which each can have another prefix
        other.unlink()
        other.hardlink_to(one)
    link.symlink_to(one)
    ask(link)
    assert not runs_again(fake, link)
    link.unlink()
    link.symlink_to(other)
    assert runs_again(fake, link)


@pytest.mark.parametrize("name", ["LD_LIBRARY_PATH", "LD_BIND_NOW", "JAVA_HOME"])
def test_another_environment_has_answers_of_its_own(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = fake.executable()
    ask(path)
    monkeypatch.setenv(name, "/nowhere")
    assert runs_again(fake, path)
    assert not runs_again(fake, path)
    monkeypatch.delenv(name)
    assert not runs_again(fake, path)


def test_what_the_asked_one_does_not_see_changes_nothing(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake.executable()
    ask(path)
    for name in ("PYTHON_GIL", "PYTHONHOME", "VIRTUAL_ENV", "TERM"):
        monkeypatch.setenv(name, "1")
    assert not runs_again(fake, path)


def test_another_gilbench_asks_itself(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake.executable()
    ask(path)
    monkeypatch.setattr(cache, "_code", lambda: "of another version")
    assert runs_again(fake, path)


def test_a_file_that_has_just_changed_is_not_trusted_yet(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake.executable()
    monkeypatch.setattr(cache, "_SETTLED", 10**10)
    ask(path)
    assert runs_again(fake, path)


@pytest.mark.parametrize("body", ["exec {binary} {script}", "sed 's|IMAGE|{path}|' <{script}"])
def test_a_script_is_asked_each_time_whatever_it_says(fake: Fake, body: str) -> None:
    path = fake.folder / "python3"
    said = body.format(binary=fake.executable("real"), script=fake.script, path=path)
    program(path, f"echo run >>{fake.trace}\n{said}")
    assert isinstance(ask(path), Interpreter)
    assert runs_again(fake, path)


def test_a_program_that_hands_over_to_another_is_asked_each_time(fake: Fake) -> None:
    path, other = fake.executable("python3"), fake.executable("other")
    fake.script.write_text(
        f'echo run >>{fake.trace}\n[ -n "$AGAIN" ] || AGAIN=1 exec {other} {fake.script}\n'
        + fake.script.read_text()
    )
    ask(path)
    assert runs_again(fake, path)


@pytest.mark.parametrize("linked", [False, True])
def test_a_virtual_environment_is_asked_each_time(fake: Fake, home: Path, linked: bool) -> None:
    base, path = fake.executable("base"), fake.folder / "venv" / "bin" / "python3"
    path.parent.mkdir(parents=True)
    path.symlink_to(base) if linked else shutil.copy(base, path)
    fake.say(base_executable=str(base), prefix=str(path.parent.parent))
    found = ask(path)
    assert isinstance(found, Interpreter)
    assert found.executable == str(base)
    assert runs_again(fake, path)
    assert not file(home).exists()


def test_a_named_virtual_environment_is_kept_apart_from_what_is_behind_it(fake: Fake) -> None:
    base, path = fake.executable("base"), fake.folder / "venv" / "bin" / "python3"
    path.parent.mkdir(parents=True)
    path.symlink_to(base)
    fake.say(executable=str(path), base_executable=str(base), prefix=str(path.parent.parent))
    for _ in range(2):  # the second answer may be a kept one
        named, found = ask(path, given=True), ask(path)
        assert isinstance(named, Interpreter)
        assert isinstance(found, Interpreter)
        assert (named.executable, found.executable) == (str(path), str(base))
        assert named.binary == found.binary == str(base)


def test_jythons_launcher_is_kept_although_it_is_a_script(fake: Fake) -> None:
    launcher = fake.folder / "jython"
    said = answer(
        implementation="Jython", executable=str(launcher), image=str(launcher), files=[str(fake.library)]
    )
    program(launcher, f"echo run >>{fake.trace}\ncat <<'END'\n{MARK}{json.dumps(said)}\nEND")
    ask(launcher)
    assert not runs_again(fake, launcher)
    fake.library.write_text("another jar")
    assert runs_again(fake, launcher)


def test_another_java_makes_jython_be_asked(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake.executable()
    ask(path)
    program(fake.folder / "path" / "java", "exit 0")
    monkeypatch.setenv("PATH", f"{fake.folder / 'path'}{os.pathsep}{os.environ['PATH']}")
    assert runs_again(fake, path)


def test_without_java_the_current_folder_changes_nothing(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "find_tool", lambda _: None)
    path = fake.executable()
    ask(path)
    monkeypatch.chdir(fake.folder)
    assert not runs_again(fake, path)


def test_a_binary_that_is_no_python_is_not_run_again(fake: Fake) -> None:
    path = fake.executable()
    fake.script.write_text(f"echo run >>{fake.trace}\necho usage: me\n")
    first = ask(path)
    assert first == Unusable(executable=str(path), reason="not a Python interpreter: it answered 'usage: me'")
    assert ask(path) == first
    assert fake.runs == 1


def test_a_script_or_a_link_that_is_no_python_is_asked_each_time(fake: Fake) -> None:
    fake.script.write_text(f"echo run >>{fake.trace}\n")
    script = program(fake.folder / "script", f". {fake.script}")
    link = fake.folder / "link"
    link.symlink_to(fake.executable())
    for path in (script, link):
        assert isinstance(ask(path), Unusable)
        assert runs_again(fake, path)


@pytest.mark.parametrize("end", ["exit 3", "kill -SEGV $$", "sleep 60"])
def test_what_failed_or_hung_is_asked_each_time(
    fake: Fake, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(probe, "SECONDS", 0.2)
    path = fake.executable()
    fake.script.write_text(f"echo run >>{fake.trace}\n{end}\n")
    assert isinstance(ask(path), Unusable)
    assert runs_again(fake, path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\xff", b"[]", b"{", b'{"a": {}}', b'{"a": null}', b"[" * 100_000, b'"' + b"x" * 10**6],
)
def test_a_damaged_file_is_no_cache_and_is_replaced(fake: Fake, home: Path, content: bytes) -> None:
    path = fake.executable()
    ask(path)
    file(home).write_bytes(content)
    assert runs_again(fake, path)
    assert not runs_again(fake, path)


@pytest.mark.parametrize(
    ("name", "value"), [("files", "all"), ("fingerprint", 5), ("interpreter", {}), ("more", 1)]
)
def test_an_entry_of_a_wrong_type_is_no_cache(fake: Fake, home: Path, name: str, value: object) -> None:
    path = fake.executable()
    ask(path)
    ((key, entry),) = json.loads(file(home).read_text()).items()
    file(home).write_text(json.dumps({key: {**entry, name: value}}))
    assert runs_again(fake, path)


def test_an_entry_cannot_lead_to_another_executable(fake: Fake, home: Path) -> None:
    path, other = fake.executable(), fake.executable("other")
    ask(path)
    file(home).write_text(file(home).read_text().replace(f'"executable":"{path}"', f'"executable":"{other}"'))
    assert runs_again(fake, path)
    found = ask(path)
    assert isinstance(found, Interpreter)
    assert found.executable == str(path)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_no_cache(fake: Fake, home: Path, mode: int) -> None:
    path = fake.executable()
    ask(path)
    file(home).chmod(mode)
    assert runs_again(fake, path)
    assert file(home).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o720, 0o707, 0o1777])
def test_a_folder_that_others_can_write_is_no_cache(fake: Fake, home: Path, mode: int) -> None:
    path = fake.executable()
    ask(path)
    file(home).parent.chmod(mode)
    assert runs_again(fake, path)
    assert runs_again(fake, path)


@pytest.mark.skipif(not ROOT, reason="only root can give files away")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_belongs_to_somebody_else_is_no_cache(fake: Fake, home: Path, what: str) -> None:
    path = fake.executable()
    ask(path)
    os.chown(file(home) if what == "file" else file(home).parent, 12345, 12345)
    assert runs_again(fake, path)


@pytest.mark.parametrize("what", ["link", "pipe", "folder"])
def test_something_else_in_the_place_of_the_file_is_no_cache(fake: Fake, home: Path, what: str) -> None:
    path = fake.executable()
    ask(path)
    file(home).rename(fake.folder / "elsewhere")
    if what == "link":
        file(home).symlink_to(fake.folder / "elsewhere")
    elif what == "pipe":
        os.mkfifo(file(home))
    else:
        file(home).mkdir()
    assert runs_again(fake, path)
    assert sum(entry.name.startswith(".") for entry in file(home).parent.iterdir()) == 0


@pytest.mark.parametrize("blocked", ["cache", "cache/gilbench", "cache/gilbench/discovery"])
def test_where_nothing_can_be_written_there_is_no_cache(fake: Fake, blocked: str) -> None:
    path, place = fake.executable(), fake.folder / blocked
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("")
    assert runs_again(fake, path)
    assert runs_again(fake, path)
    assert place.read_text() == ""


def test_a_cache_in_the_current_folder_is_never_used(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fake.folder)
    # As for a user without a home.
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda _: Path("~/.cache/gilbench"))
    path = fake.executable()
    assert runs_again(fake, path)
    assert runs_again(fake, path)
    assert not (fake.folder / "~").exists()


def test_a_path_that_is_not_utf_8_is_asked_each_time(fake: Fake) -> None:
    path = fake.executable(os.fsdecode(b"python\xff"))
    fake.script.write_text(f"echo run >>{fake.trace}\n")
    ask(path)
    assert runs_again(fake, path)


def test_a_full_disk_leaves_the_old_file(fake: Fake, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake.executable()
    ask(path)
    before = file(home).read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert runs_again(fake, fake.executable("other"))
    assert [entry.name for entry in file(home).parent.iterdir()] == ["answers.json"]
    assert file(home).read_bytes() == before
    assert not runs_again(fake, path)


def kept(home: Path) -> list[str]:
    return [key.partition(":")[2] for key in json.loads(file(home).read_text())]


def test_answers_of_files_that_are_gone_are_dropped(fake: Fake, home: Path) -> None:
    gone, there = fake.executable("gone"), fake.executable("there")
    ask(gone)
    gone.unlink()
    ask(there)
    assert kept(home) == [str(there)]


def test_only_the_newest_answers_are_kept(fake: Fake, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_MOST", 3)
    paths = [fake.executable(f"python3.{minor}") for minor in range(5)]
    for path in paths:
        ask(path)
    assert kept(home) == [str(path) for path in paths[2:]]


def test_what_another_process_wrote_meanwhile_is_kept(
    fake: Fake, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = fake.executable("one"), fake.executable("other")
    examine = probe.examine

    def meanwhile(path: Path) -> probe.Asked:
        if path == one:
            ask(other)
        return examine(path)

    monkeypatch.setattr(cache, "examine", meanwhile)
    ask(one)
    assert len(json.loads(file(home).read_text())) == 2
    assert not runs_again(fake, one)
    assert not runs_again(fake, other)


WRITER = """
import sys
from gilbench.interpreters import cache
for number in range(int(sys.argv[2])):
    entry = cache._CachedAnswer(f"{sys.argv[1]} {number}", ("x" * 50,) * 40, None, "of a test")
    cache._store({f"{sys.argv[1]}{number % 20}:/": entry})
"""


def test_two_processes_that_write_at_once_never_leave_a_damaged_file(home: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name, "300"]) for name in ("a", "b")]
    seen = 0
    while any(writer.poll() is None for writer in writers):
        if file(home).exists():
            assert msgspec.json.decode(file(home).read_bytes(), type=dict[str, cache._CachedAnswer])
            seen += 1
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen > 20
    last = msgspec.json.decode(file(home).read_bytes(), type=dict[str, cache._CachedAnswer])
    assert {"a 299", "b 299"} & {entry.fingerprint for entry in last.values()}
    assert [entry.name for entry in file(home).parent.iterdir()] == ["answers.json"]


def test_a_command_with_a_warm_cache_starts_no_interpreter(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [fake.executable("python3.96"), fake.executable("python3.97")]
    monkeypatch.setattr(sys.modules[find_all.__module__], "candidates", lambda _: found)
    first = find_all()
    runs = fake.runs
    assert runs == 2
    assert find_all() == first
    assert select(["3.13"]).interpreters[0].executable == str(found[0])
    assert fake.runs == runs
    find_all(refresh=True)
    select(["3.13"], refresh=True)
    select([str(found[0])], refresh=True)
    assert fake.runs == runs + 5


def test_several_are_asked_and_answer_in_the_order_given(home: Path, tmp_path: Path) -> None:
    paths = [
        answering(tmp_path / f"python3.{minor}", version=f"3.{minor}.0", version_info=[3, minor, 0])
        for minor in range(8)
    ]
    found = ask_all([*paths, tmp_path / "absent"])
    assert [one.executable for one in found] == [str(path) for path in [*paths, tmp_path / "absent"]]
    assert not file(home).exists() or json.loads(file(home).read_text()) == {}


def test_the_real_interpreter_is_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_SETTLED", 0)
    own = own_executable()
    first = ask(own)
    monkeypatch.setattr(cache, "examine", lambda _: pytest.fail("asked"))
    assert ask(own) == first
    assert file(home).exists()
