from __future__ import annotations

import os
from pathlib import Path

import pytest
from full_disk import room_for
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from watches import make_interval

from gilbench.model.errors import StudyError, UsageError
from gilbench.model.watch import WatchEvent
from gilbench.store.watch_file import WatchFile, firing_alerts, is_watch, read_watch
from gilbench.work.read import read

SIZE = 20_000


def write(path: Path, *starts: float, size: int = SIZE) -> None:
    file = WatchFile(path, size)
    for start in starts:
        file.append(make_interval(start=start))
        assert file.failed is None
    file.close()


def test_both_files_together_stay_below_the_size_and_keep_the_latest_lines(tmp_path: Path) -> None:
    path = tmp_path / "watch.jsonl"
    file = WatchFile(path, SIZE)
    for number in range(200):
        file.append(make_interval(start=float(number)))
        assert sum(one.stat().st_size for one in tmp_path.iterdir()) <= SIZE
    file.close()
    starts = [one.start for one in read_watch(path).intervals]
    assert starts == [float(number) for number in range(200 - len(starts), 200)]
    assert len(starts) > 10
    assert sorted(one.name for one in tmp_path.iterdir()) == ["watch.jsonl", "watch.jsonl.1"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(data=st.data())
def test_cut_at_any_byte_it_keeps_its_whole_lines_and_goes_on(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "watch.jsonl"
    path.unlink(missing_ok=True)
    write(path, 1.0, 2.0, 3.0)
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    whole = [line for line in content[:cut].splitlines(keepends=True) if line.endswith(b"\n")]
    before = max(len(whole) - 1, 0)  # the first line is the head
    write(path, 9.0)
    assert [one.start for one in read_watch(path).intervals] == [*(1.0, 2.0, 3.0)[:before], 9.0]


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello\n")
    with pytest.raises(UsageError, match="not a file of a watch"):
        WatchFile(path, SIZE)
    assert path.read_text() == "hello\n"
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(UsageError, match="cannot write"):
        WatchFile(link, SIZE)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError, match="not a file of a watch"):
        WatchFile(tmp_path / "fifo", SIZE)


def test_two_watches_do_not_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "watch.jsonl"
    file = WatchFile(path, SIZE)
    with pytest.raises(UsageError, match="another watch"):
        WatchFile(path, SIZE)
    file.close()
    WatchFile(path, SIZE).close()


def test_a_full_disk_loses_lines_but_not_the_file(tmp_path: Path) -> None:
    path = tmp_path / "watch.jsonl"
    file = WatchFile(path, 10 * SIZE)
    file.append(make_interval(start=1.0))
    with room_for(path.stat().st_size + 100):
        file.append(make_interval(start=2.0))
        assert file.failed is not None
        assert str(path) in file.failed
    file.append(make_interval(start=3.0))
    assert file.failed is None
    file.close()
    assert [one.start for one in read_watch(path).intervals] == [1.0, 3.0]


def test_alerts_are_known_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "watch.jsonl"
    assert firing_alerts(path) == set()
    file = WatchFile(path, SIZE)
    for event, rule in (("fired", "a>1"), ("fired", "b>1"), ("cleared", "a>1"), ("started", None)):
        file.append(WatchEvent(at=1.0, event=event, text="x", rule=rule))  # type: ignore[arg-type]
    file.close()
    assert firing_alerts(path) == {"b>1"}


def test_it_is_read_like_any_other_file_of_gilbench(tmp_path: Path) -> None:
    path = tmp_path / "watch.jsonl"
    write(path, 5.0)
    assert is_watch(path)
    assert read(path) == read_watch(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"samples":400', '"samples":-1', "samples"),
        ('"gil_held":0.5', '"gil_held":-0.5', "gil_held"),
        ('"duration":10.0', '"duration":"x"', "duration"),
        ('"schema":1', '"schema":99', "schema 99"),
        ('"probe":"waits"', '"probe":"none"', "without samples"),
        ('"worker-*"', '"MainThread"', "two groups"),
        ('"pid":1234', '"pid":null', "without a process"),
        ('"gil_held":0.5', '"gil_held":0.25', "longer than the program"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "watch.jsonl"
    write(path, 5.0)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(StudyError, match=said):
        read_watch(path)


def test_too_small_a_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--file-size"):
        WatchFile(tmp_path / "watch.jsonl", 5000)
    assert list(tmp_path.iterdir()) == []
