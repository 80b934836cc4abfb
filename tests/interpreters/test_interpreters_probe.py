from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
from interpreters_fakes import answer, answering, program, wrapper

from gilbench.interpreters import probe as probing
from gilbench.interpreters.find import own_executable
from gilbench.interpreters.probe import MARK, examine, probe
from gilbench.model.study import Interpreter, Unusable


def reason(path: Path, seconds: float = 5) -> str:
    found = probe(path, seconds=seconds)
    assert isinstance(found, Unusable)
    assert found.executable == str(path)
    assert "\n" not in found.reason
    return found.reason


def usable(path: Path) -> Interpreter:
    found = probe(path, seconds=20)
    assert isinstance(found, Interpreter), found
    return found


def test_the_interpreter_of_the_tests_says_what_it_is() -> None:
    found = usable(Path(sys.executable))
    assert found.build.version_info == sys.version_info[:3]
    assert found.build.machine == os.uname().machine
    assert found.gil_enabled == getattr(sys, "_is_gil_enabled", lambda: True)()


def test_a_virtual_environment_is_the_interpreter_behind_it(tmp_path: Path) -> None:
    import venv  # noqa: PLC0415

    base = usable(Path(sys.executable))
    for how in (True, False):
        folder = tmp_path / f"links-{how}"
        venv.create(folder, symlinks=how, with_pip=False)
        found = usable(folder / "bin" / "python")
        assert os.path.realpath(found.executable) == os.path.realpath(base.executable)
        assert found.build == base.build


def test_a_shim_is_the_interpreter_that_it_starts(tmp_path: Path) -> None:
    shim = usable(wrapper(tmp_path / "python3"))
    assert os.path.realpath(shim.executable) == os.path.realpath(usable(Path(sys.executable)).executable)


def test_a_wrapper_that_changes_what_it_starts_stays_what_is_launched(tmp_path: Path) -> None:
    path = answering(tmp_path / "python3", executable=sys.executable, gil_enabled=False)
    assert usable(path).executable == str(path)


def test_a_program_that_hangs_is_given_up_after_its_time(tmp_path: Path) -> None:
    begun = time.monotonic()
    assert "timed out after 0.5 s" in reason(program(tmp_path / "python3", "sleep 60"), seconds=0.5)
    assert time.monotonic() - begun < 10


def test_a_virtual_machine_may_take_longer_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "SECONDS", 0.2)
    late = f"sleep 1\ncat <<'END'\n{MARK}{json.dumps(answer())}\nEND"
    assert isinstance(probe(program(tmp_path / "python3", late)), Unusable)
    assert isinstance(probe(program(tmp_path / "ipy", late)), Interpreter)


def test_a_program_that_crashes_says_by_which_signal(tmp_path: Path) -> None:
    assert reason(program(tmp_path / "python3", "kill -SEGV $$")) == "ended by signal 11"


def test_a_program_that_fails_says_its_status_and_what_it_wrote(tmp_path: Path) -> None:
    path = program(tmp_path / "python3", "echo 'no such version' >&2; echo 'try another' >&2; exit 127")
    assert reason(path) == "exit status 127: no such version"


def test_of_a_traceback_the_last_line_is_kept(tmp_path: Path) -> None:
    path = program(tmp_path / "python3", "printf 'Traceback (most):\\n  here\\nKeyError: 1\\n' >&2; exit 1")
    assert reason(path) == "exit status 1: KeyError: 1"


def test_an_answer_followed_by_a_crash_is_not_believed(tmp_path: Path) -> None:
    path = answering(tmp_path / "python3")
    path.write_text(path.read_text() + "\nkill -ABRT $$\n")
    assert reason(path) == "ended by signal 6"


def test_a_program_that_is_no_python_says_what_it_answered(tmp_path: Path) -> None:
    assert "not a Python interpreter: it answered 'usage: me'" in reason(
        program(tmp_path / "python3", "echo usage: me")
    )


def test_a_program_that_writes_without_end_is_stopped(tmp_path: Path) -> None:
    assert "wrote more than" in reason(program(tmp_path / "python3", "yes"), seconds=20)


def test_control_characters_of_a_program_do_not_reach_the_reason(tmp_path: Path) -> None:
    path = program(
        tmp_path / "python3", r"printf '\033[31mred\007 %0300d' 1; printf '\033[31mred' >&2; exit 1"
    )
    assert reason(path).isprintable()
    assert len(reason(path)) <= 200


def test_a_file_that_cannot_be_run_says_so(tmp_path: Path) -> None:
    (tmp_path / "python3").write_bytes(b"\0rubbish")
    assert "Permission denied" in reason(tmp_path / "python3")
    (tmp_path / "python3").chmod(0o755)
    assert "Exec format error" in reason(tmp_path / "python3")
    assert "No such file" in reason(tmp_path / "absent")


def test_noise_around_the_answer_is_passed_over(tmp_path: Path) -> None:
    said = json.dumps(answer(free_threaded=True, gil_enabled=False))
    path = program(
        tmp_path / "python3",
        f"echo '{{\"version\": 1}}'\nprintf 'no newline'\necho\necho '{MARK}{said}'\necho bye",
    )
    assert usable(path).name == "3.13t"


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 3},
        {"version": "three"},
        {"version_info": [3, 13]},
        {"version_info": [3, 13, "5"]},
        {"version_info": [3, 13, 10**9]},
        {"implementation": None},
        {"implementation": "C\x1b[31mPython"},
        {"implementation": "x" * 10_000},
        {"free_threaded": "yes"},
        {"gil_enabled": None},
        {"libpython": "both"},
        {"prefix": 5},
    ],
)
def test_an_answer_with_a_wrong_value_makes_an_interpreter_unusable(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    assert reason(answering(tmp_path / "python3", **changes)).startswith("invalid answer: ")


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"version": "3.13.5"}', "\\xff"])
def test_an_answer_that_is_not_the_expected_json_makes_an_interpreter_unusable(
    tmp_path: Path, text: str
) -> None:
    path = program(tmp_path / "python3", f"printf '%s{text}\\n' '{MARK}'")
    assert reason(path).startswith("invalid answer: ")


def test_a_library_that_is_not_a_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "libpython")
    found = usable(answering(tmp_path / "python3", library=str(tmp_path / "libpython"), libpython="shared"))
    assert found.build.gil_symbols == ()


def test_an_answer_names_the_files_that_it_is_based_on() -> None:
    own = own_executable()
    asked = examine(own)
    assert asked.image == str(own)
    assert asked.files is not None
    assert {str(own), json.__file__, os.path.realpath(os.__file__)} <= set(asked.files)
    assert str(Path(json.__file__).parent.parent) in asked.files  # where a sitecustomize.py could appear
