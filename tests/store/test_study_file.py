from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from full_disk import room_for
from hypothesis import given
from hypothesis import strategies as st
from studies import everything, header_line, save

from gilbench.model.errors import StudyError
from gilbench.model.study import Run, Study
from gilbench.store.study import SCHEMA, StudyWriter, read_study

RUN = Run(case=0, block=0, attempt=0)


@pytest.fixture(scope="module")
def study() -> Study:
    return msgspec.structs.replace(everything().study(), warnings=())


@pytest.fixture
def saved(study: Study, tmp_path: Path) -> Path:
    return save(study, tmp_path / "study.jsonl")


def refusal(path: Path) -> str:
    """What is said of a file that cannot be read: one line that names it."""
    with pytest.raises(StudyError) as raised:
        read_study(path)
    said = str(raised.value)
    assert str(path) in said
    assert "\n" not in said
    assert len(said) < 400
    return said


# --- what is written is read ----------------------------------------------------------------------------


def test_what_was_written_is_read(study: Study, saved: Path) -> None:
    assert read_study(saved) == study


def test_each_run_is_one_line_of_json(study: Study, saved: Path) -> None:
    lines = [msgspec.json.decode(line) for line in saved.read_bytes().splitlines()]
    assert [line["kind"] for line in lines] == ["study", *["run"] * len(study.runs)]
    assert lines[0]["schema"] == SCHEMA


def test_a_run_is_on_the_disk_before_the_next_one(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "study.jsonl"
    with StudyWriter(path, study.header) as writer:
        assert read_study(path).runs == ()
        for count, run in enumerate(study.runs[:3], start=1):
            writer.add(run)
            assert read_study(path).runs == study.runs[:count]


def test_each_line_is_synced(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    save(msgspec.structs.replace(study, runs=study.runs[:2]), tmp_path / "study.jsonl")
    assert len(synced) == 3


def test_a_file_without_a_run_is_a_study(study: Study, tmp_path: Path) -> None:
    assert read_study(save(msgspec.structs.replace(study, runs=()), tmp_path / "s")).runs == ()


def test_a_field_of_a_later_version_of_the_same_schema_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_bytes(
        header_line(weather="fine") + b'{"kind":"run","case":0,"block":0,"attempt":0,"mood":1}\n'
    )
    with pytest.raises(StudyError, match=r"`\$\.case` is 0"):  # the plan of this header has none
        read_study(path)


# --- torn and damaged -----------------------------------------------------------------------------------


def test_a_torn_last_line_is_dropped_with_a_warning(study: Study, saved: Path) -> None:
    whole = saved.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for cut in (last + 1, (last + len(whole)) // 2, len(whole) - 1):
        saved.write_bytes(whole[:cut])
        found = read_study(saved)
        assert found.runs == study.runs[:-1]
        assert found.warnings == ("the last line of study.jsonl is truncated and was left out",)


@given(data=st.data())
def test_a_file_cut_anywhere_gives_all_finished_runs_or_a_clear_error(
    data: st.DataObject, study: Study, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.jsonl"
    path.unlink(missing_ok=True)
    whole = save(msgspec.structs.replace(study, runs=study.runs[:4]), path).read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    finished = whole[:cut].count(b"\n") - 1
    if finished < 0:
        refusal(path)
    else:
        assert read_study(path).runs == study.runs[:finished]


@pytest.mark.parametrize("junk", [b"{", b"", b"\xff\xfe", b"[]", b'{"kind":"run"}', b"null", b"[" * 100_000])
def test_a_damaged_line_in_the_middle_is_an_error_with_its_number(saved: Path, junk: bytes) -> None:
    lines = saved.read_bytes().split(b"\n")
    lines[4] = junk
    saved.write_bytes(b"\n".join(lines))
    assert "line 5 is damaged" in refusal(saved)


def test_a_run_of_a_case_that_is_not_planned_is_damage(saved: Path) -> None:
    for case, said in ((-1, "Expected `int` >= 0 - at `$.case`"), (9999, "`$.case` is 9999")):
        line = msgspec.json.encode(msgspec.structs.replace(RUN, case=case))
        saved.write_bytes(saved.read_bytes().split(b"\n")[0] + b"\n" + line + b"\n")
        assert f"line 2 is damaged: {said}" in refusal(saved)


def test_a_flipped_type_in_a_run_says_where_it_is(saved: Path) -> None:
    lines = saved.read_bytes().split(b"\n")
    lines[2] = lines[2].replace(b'"attempt":0', b'"attempt":"0"')
    saved.write_bytes(b"\n".join(lines))
    said = refusal(saved)
    assert "line 3 is damaged" in said
    assert "$.attempt" in said


# --- not a study ----------------------------------------------------------------------------------------


NOT_A_STUDY = {
    "binary": bytes(range(256)) * 4,
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "text": b"Dear reader,\nthis is a letter.\n",
    "another json": b'{"kind": "invoice"}\n',
    "a json list": b"[1, 2]\n",
    "a number": b"3\n",
    "deep json": b"[" * 100_000 + b"\n",
}


@pytest.mark.parametrize("kind", NOT_A_STUDY)
def test_what_is_no_study_is_said_to_be_none(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(NOT_A_STUDY[kind])
    assert "is not a study; measure one" in refusal(path)


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "absent")
    assert "directory" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\n", b"  \n\n"])
def test_an_empty_file_says_how_a_study_is_made(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    said = refusal(path)
    assert "is empty" in said
    assert "gilbench run -o" in said


def test_a_file_that_ends_in_its_first_line_is_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(header_line()[:-1])
    assert "truncated in its first line" in refusal(path)


def test_a_newer_schema_names_both_and_the_version_that_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(header_line(schema=SCHEMA + 6, gilbench="9.9.9", plan="of another form"))
    said = refusal(path)
    assert f"schema {SCHEMA + 6}" in said
    assert f"up to {SCHEMA}" in said
    assert "9.9.9" in said


@pytest.mark.parametrize("schema", [None, "1", 0, -1, 1.5])
def test_a_schema_that_is_no_number_is_damage(tmp_path: Path, schema: Any) -> None:
    path = tmp_path / "file"
    path.write_bytes(header_line(schema=schema))
    assert "line 1 is damaged: `$.schema`" in refusal(path)


def test_a_header_that_lacks_something_is_damage_and_says_what(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(header_line(host={"system": "Linux"}))
    said = refusal(path)
    assert "line 1 is damaged" in said
    assert "$.host" in said


# --- written where something is -------------------------------------------------------------------------


def test_an_existing_file_is_not_overwritten(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text("precious")
    with pytest.raises(StudyError, match="--resume") as raised:
        StudyWriter(path, study.header)
    assert str(path) in str(raised.value)
    assert path.read_text() == "precious"


def test_a_place_that_cannot_be_written_is_named_with_the_reason(study: Study, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    for path in (tmp_path / "file" / "study", tmp_path, Path("/proc/nothing/study")):
        with pytest.raises(StudyError) as raised:
            StudyWriter(path, study.header)
        assert str(path) in str(raised.value)
    assert (tmp_path / "file").read_text() == "no folder"


def test_going_on_appends(study: Study, saved: Path) -> None:
    before = saved.read_bytes()
    with StudyWriter(saved, None) as writer:
        writer.add(RUN)
    assert saved.read_bytes().startswith(before)
    assert read_study(saved).runs == (*study.runs, RUN)


def test_going_on_cuts_the_torn_line_and_nothing_else(study: Study, saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-10])
    with StudyWriter(saved, None) as writer:
        writer.add(RUN)
    found = read_study(saved)
    assert found.runs == (*study.runs[:-1], RUN)
    assert not found.warnings


def test_going_on_with_a_file_that_is_not_there_makes_none(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="No such file"):
        StudyWriter(tmp_path / "absent", None)
    assert not list(tmp_path.iterdir())


# --- a full disk ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [0, 1, 50])
def test_a_full_disk_leaves_what_was_there_readable(study: Study, saved: Path, room: int) -> None:
    before = saved.read_bytes()
    with StudyWriter(saved, None) as writer:
        with room_for(len(before) + room), pytest.raises(StudyError, match="saved") as raised:
            writer.add(RUN)
        assert f"--resume {saved}" in str(raised.value)
        assert saved.read_bytes() == before
        writer.add(RUN)  # there is room again
    found = read_study(saved)
    assert found.runs == (*study.runs, RUN)
    assert not found.warnings


def test_a_disk_that_is_full_at_the_start_leaves_no_file_behind(study: Study, tmp_path: Path) -> None:
    with room_for(100), pytest.raises(StudyError, match="cannot write"):
        StudyWriter(tmp_path / "study", study.header)
    assert not list(tmp_path.iterdir())


def test_where_even_cutting_fails_the_half_line_is_a_torn_one(
    study: Study, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "the disk has gone")

    with StudyWriter(saved, None) as writer:
        monkeypatch.setattr(os, "ftruncate", refuse)
        with room_for(saved.stat().st_size + 20), pytest.raises(StudyError):
            writer.add(RUN)
    found = read_study(saved)
    assert found.runs == study.runs
    assert found.warnings
