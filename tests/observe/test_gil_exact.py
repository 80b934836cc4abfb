"""What the kernel's sums of the exact probe are read as, on canned maps and lines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gilbench.interpreters.symbols import Symbols
from gilbench.model.profile import ProfiledThread, StateChange
from gilbench.observe import bpftrace, bpftrace_access
from gilbench.observe.gil.contention import contended, unseen_wait
from gilbench.observe.gil.exact_rows import profiled
from gilbench.observe.gil.exact_script import script_for
from gilbench.observe.gil.lines import ExactLine, ParkingLine
from gilbench.observe.gil.thread_sums import EndedThreads, ThreadSums
from gilbench.observe.running import RunningPython
from gilbench.observe.spool import followed, spooled
from gilbench.observe.timeline import Timeline

START, END = 1_000_000_000, 2_000_000_000
WAITING, HOLDING, OUTSIDE = 2, 3, 8


def thread(maps: dict[str, int], standing: Any = None) -> ProfiledThread:
    """Thread 7 of process 5, by what each map holds of it."""
    full = {name: {"7": value} for name, value in maps.items()}
    return profiled(ThreadSums.alive(5, 7, full, END), START, END, {}, standing or {})


def test_what_is_neither_held_nor_waited_nor_run_is_blocked() -> None:
    one = thread({"@s": OUTSIDE, "@held": 200_000_000, "@wait": 300_000_000, "@off": 100_000_000, "@n": 5})
    assert (one.gil_held, one.gil_wait, one.off_gil, one.blocked) == pytest.approx((0.2, 0.3, 0.1, 0.4))


def test_a_hold_that_lasts_at_the_end_counts_to_the_end() -> None:
    one = thread({"@s": 1_900_000_000 * 8 + HOLDING, "@held": 100_000_000, "@n": 2, "@longhold": 50_000_000})
    assert one.gil_held == pytest.approx(0.2)
    assert one.longest_hold == pytest.approx(0.1)


def test_a_wait_that_never_ends_counts_too() -> None:
    one = thread({"@s": 1_400_000_000 * 8 + WAITING, "@n": 1})
    assert (one.gil_wait, one.longest_wait) == pytest.approx((0.6, 0.6))


def test_one_found_waiting_is_split_where_the_gil_came_free() -> None:
    one = thread({"@s": OUTSIDE, "@freed": 1_200_000_001, "@first": 1_500_000_000})
    assert (one.gil_wait, one.gil_held) == pytest.approx((0.2, 0.3))


def test_one_found_holding_held_from_the_start() -> None:
    one = thread({"@s": OUTSIDE, "@freed": 1, "@first": 1_500_000_000})
    assert (one.gil_wait, one.gil_held) == pytest.approx((0.0, 0.5))


def test_the_time_in_which_any_thread_waits_goes_on_to_the_end_if_one_still_waits() -> None:
    maps = {"@contended": {"0": 300, "7": 20}, "@handed": {"0": 5}, "@cover": {"0": 0, "7": 900}}
    assert contended(maps, 1000) == 425
    assert contended({}, 1000) == 0


def test_waits_from_before_the_probe_are_unknown_to_the_sums_of_the_kernel() -> None:
    def unseen(maps: dict[str, int], standing: Any = None) -> float:
        one = ThreadSums.alive(5, 7, {name: {"7": value} for name, value in maps.items()}, END)
        return unseen_wait(one, profiled(one, START, END, {}, standing or {}), START, END)

    found = {"@s": OUTSIDE, "@freed": 1_200_000_001, "@first": 1_500_000_000, "@wait": 50_000_000}
    assert unseen(found) == pytest.approx(200_000_000)
    assert unseen({"@s": 16}, {7: "wait"}) == pytest.approx(1_000_000_000)
    assert unseen({"@s": 1_400_000_000 * 8 + WAITING, "@n": 1, "@wait": 100_000_000}) == pytest.approx(0)


@pytest.mark.parametrize(("state", "field"), [("held", "gil_held"), ("wait", "gil_wait")])
def test_one_without_any_event_is_what_it_was_seen_to_be(state: str, field: str) -> None:
    assert getattr(thread({"@s": 16}, {7: state}), field) == pytest.approx(1.0)
    assert getattr(thread({"@s": OUTSIDE, "@n": 3}, {7: state}), field) == 0.0


def test_a_line_of_an_ended_thread_is_read_with_the_spaces_in_its_name() -> None:
    one = ThreadSums.ended("5 7 1500000000 1100000000 8 1 2 3 4 5 6 0 0 my thread")
    assert (one.born, one.held, one.takes, one.name) == (1_100_000_000, 1, 4, "my thread")


def test_a_thread_whose_end_was_lost_among_many_events_lived_until_its_end() -> None:
    maps = {"@s": {"7": OUTSIDE}, "@held": {"7": 200_000_000}, "@n": {"7": 3}}
    one = profiled(ThreadSums.alive(5, 7, maps, 1_500_000_000), START, END, maps, {})
    assert (one.alive, one.gil_held, one.blocked) == pytest.approx((0.5, 0.2, 0.3))


def gone(number: int, **fields: Any) -> ThreadSums:
    """A thread that lived for 2 ms, half of which it held the GIL."""
    born = START + number * 10_000
    times = (born + 2_000_000, born, 24, 1_000_000, 500_000, 0, 2, 900_000, 7, 0, 0)
    one = ThreadSums(5, 100 + number % 3000, *times, name="a1")
    return one._replace(**fields)


def test_ended_threads_are_summed_up_and_nothing_is_lost() -> None:
    ended = EndedThreads()
    for number in range(30_000):
        ended.add(gone(number))
    rows = ended.rows()
    assert len(rows) < 9_000
    assert sum(one.threads for one in rows) == 30_000
    assert sum(one.held for one in rows) == 30_000 * 1_000_000
    (total,) = [one for one in rows if one.threads > 1]
    assert (total.name, total.longest_hold) == ("a1", 900_000)
    assert len(total.tids) == 3000
    found = profiled(total, START, START + 60_000_000_000, {}, {})
    assert found.count == total.threads
    assert found.alive == pytest.approx(total.threads * 0.002 / 60)
    assert found.blocked == pytest.approx(found.alive / 4)


def test_the_waits_of_a_sum_are_those_of_all_its_threads() -> None:
    total = gone(0, threads=3, takes=10, tids=frozenset({7, 8}))
    bucket = {"min": 1024, "max": 2047, "count": 3}
    waits = profiled(total, START, END, {"@waits": {"7": [bucket], "8": [bucket], "9": [bucket]}}, {}).waits
    assert [one.count for one in waits] == [4, 6]


def test_threads_that_were_not_seen_whole_are_kept_singly() -> None:
    ended = EndedThreads()
    for one in (gone(1, born=0), gone(2, first=START), gone(3, state=8 * START + HOLDING), gone(4, tid=5)):
        ended.add(one)
    for number in range(9_000):
        ended.add(gone(number, name="other"))
    assert sum(one.threads == 1 and one.name == "a1" for one in ended.rows()) == 4


def python(code: str, **facts: Any) -> RunningPython:
    return RunningPython(pid=5, executable=code, code=Path(code), held=True)._replace(**facts)


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("drop_gil", "take_gil", "take_gil.constprop.0", "Py_RunMain")
    monkeypatch.setattr("gilbench.observe.gil.exact_script.read_symbols", lambda *_: Symbols(names, False))


@pytest.mark.usefixtures("functions")
def test_every_copy_that_the_compiler_made_is_probed() -> None:
    text = script_for(python("/copies", version=(3, 11)), 1, live=False, stream=False)
    assert text.count('uprobe:"/copies":"take_gil.constprop.0"') == 1
    assert text.count('uretprobe:"/copies":"take_gil"') == 1
    assert "Py_RunMain" in text


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("children", [False, True])
@pytest.mark.parametrize("version", [(3, 7), (3, 12)])
@pytest.mark.parametrize("held", [False, True])
def test_neither_marker_nor_placeholder_stays_in_the_script(
    live: bool, stream: bool, children: bool, version: tuple[int, int], held: bool
) -> None:
    text = script_for(
        python("/copies", children=children, version=version, held=held), 1, live=live, stream=stream
    )
    assert "${" not in text
    assert "section:" not in text
    assert "// end" not in text


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize(
    "folder", ["ON", "SUM", "STREAM", "a b", "it's", "${take}", "$1", "a,b", "a{b}", "é"]
)
def test_a_folder_that_looks_like_a_part_of_the_template_stays_as_it_is(folder: str) -> None:
    text = script_for(python(f"/{folder}/python", version=(3, 11)), 1, live=False, stream=True)
    assert text.count(f'uprobe:"/{folder}/python":"take_gil"') == 1


@pytest.mark.usefixtures("functions")
@pytest.mark.parametrize("folder", ['a"b', "a\\b", "a:b", "a*b", "a?b", "a[x]", "a\nb", "\udcff"])
def test_a_folder_that_bpftrace_reads_as_something_else_is_refused_and_named(folder: str) -> None:
    with pytest.raises(bpftrace.BpftraceError, match="bpftrace cannot probe"):
        script_for(python(f"/{folder}/python", version=(3, 11)), 1, live=False, stream=True)


def test_each_kind_of_line_has_a_word_of_its_own() -> None:
    assert len({*ExactLine, *ParkingLine}) == len(ExactLine) + len(ParkingLine)


def events(*lines: str) -> list[StateChange]:
    found: list[StateChange] = []
    timeline = Timeline(found.extend)
    for line in lines:
        timeline.hear(line)
    timeline.close([])
    return found


def test_a_timeline_is_put_in_the_order_of_time() -> None:
    found = events(
        "h 7 2000000000 3000000000", "w 7 1000000000 2000000000", "o 7 4000000000", "i 7 5000000000"
    )
    assert [(one.stamp, one.state) for one in found] == [
        (1.0, "wait"),
        (2.0, "held"),
        (3.0, "off"),
        (4.0, "blocked"),
        (5.0, "off"),
    ]


def test_a_timeline_begins_where_the_program_does() -> None:
    found = events("h 7 1000000000 1500000000", "m 7 2000000000", "h 7 2000000000 3000000000")
    assert [one.stamp for one in found] == [2.0, 2.0, 3.0]
    assert events("h 7 2000000000 3000000000", "m 7 2000000000") == found, "lines come out of order"


def test_a_storm_of_events_is_kept_in_bounds() -> None:
    found: list[StateChange] = []
    timeline = Timeline(found.extend)
    for number in range(50_000):
        timeline.hear(f"h 7 {number * 10} {number * 10 + 5}")
    assert len(timeline._kept) <= 20_001
    assert len(found) > 60_000


def test_lines_that_wait_in_a_file_come_whole_and_to_the_last(tmp_path: Path) -> None:
    reader, writer = spooled(tmp_path)
    assert not list(tmp_path.iterdir()), "it has no name, so nothing can be left behind"
    pieces = [b"one\ntw", b"one\ntw", b"o\n"]

    def grows() -> bool:
        if pieces:
            os.write(writer, pieces.pop(0))
        return bool(pieces)

    assert list(followed(reader, grows)) == [b"one", b"twone", b"two"]
    os.close(writer)


@pytest.mark.parametrize(
    ("said", "reason"),
    [("", "unknown version"), ("bpftrace v0.9.4", "too old"), ("bpftrace v0.17.0", "root")],
)
def test_what_keeps_bpftrace_from_running_is_one_line(
    said: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bpftrace"
    program.write_text(f"#!/bin/sh\necho {said}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    told = bpftrace_access.why_not()
    assert told is not None
    assert reason in told
    assert "\n" not in told
