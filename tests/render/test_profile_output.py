"""A profile in every format. Write the golden files anew: pytest tests/render/test_profile_output.py --regenerate."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import msgspec
import profiles
import pytest
from golden import compare
from pages import HOSTILE, WIDTHS, shown
from profiles import NAMES, contended, interpreted, make_profile, make_thread
from rich.cells import cell_len
from rich.text import Text

from gilbench.analyse.profile.report import interpret
from gilbench.model.profile import Blame, Bucket, Call, Parked, Profile, Stack, document
from gilbench.model.results import Caveat
from gilbench.model.study import Share
from gilbench.render import formats
from gilbench.render.profile_page import profile_page


def written(profile: Profile, columns: int, **how: Any) -> str:
    return shown(profile_page(profile), columns, **how)


def in_format(profile: Profile, form: str) -> str:
    file = io.StringIO()
    formats.write(profile, form, file)
    return file.getvalue()


def line_of(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.lstrip().startswith(start))


def hostile(name: str) -> Profile:
    """A profile in which every text is a name."""
    profile = make_profile(
        make_thread(1, 0.5, 0.5, name=name, longest_hold=0.1),
        make_thread(2, 0.5, 0.5, name=name),
        command=("python", name),
        executable=name,
        version=name,
        probe=msgspec.structs.replace(profiles.SAMPLED, name=name, reason=name),
        blames=(Blame(holder=1, waiter=2, seconds=1.0, count=1),),
        functions=(Share(name=name, value=1.0),),
        syscalls=(Call(name=name, count=1),),
        caveats=(Caveat(kind="unavailable", subject=name, text=name, next=name),),
        costs=(Share(name=name, value=1.0),),
        stacks=(Stack(tid=1, thread=name, frames=(name, f"{name} (a.py:3)"), samples=2),),
        stack_rate=200,
    )
    return interpreted(profile, measured=1.0, measured_on=name)


# --- the terminal ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_each_profile_is_written_as_before(name: str, columns: int, regenerate: bool) -> None:
    text = written(getattr(profiles, name)(), columns)
    compare(f"profile_{name}_{columns}.txt", text, regenerate=regenerate)


@pytest.mark.parametrize("columns", [60, 80, 100, 160])
@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_wider_than_the_terminal_and_no_value_is_cut(name: str, columns: int) -> None:
    text = written(getattr(profiles, name)(), columns)
    assert max(map(cell_len, text.splitlines())) <= columns
    assert "…" not in text


def test_at_80_columns_every_value_of_every_thread_is_there() -> None:
    values = ["42.0", "51.0", "1.0", "6.0", "92.2", "6.20", "ms", "48.1", "ms"]
    assert line_of(written(contended(), 80), "crunch (102)").split()[2:] == values


def test_colour_changes_no_letter_and_a_pipe_gets_none() -> None:
    plain = written(contended(), 80)
    coloured = written(contended(), 80, force_terminal=True, color_system="standard")
    assert "\x1b" not in plain
    assert Text.from_ansi(coloured).plain.split() == plain.split()


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_name_is_shown_and_does_no_harm(kind: str, columns: int) -> None:
    text = written(hostile(HOSTILE[kind]), columns, force_terminal=True, no_color=True)
    for code in ("\x1b[1m", "\x1b[2m", "\x1b[0m"):
        text = text.replace(code, "")
    lines = text.split("\n")
    assert not {letter for line in lines for letter in line if not letter.isprintable()}
    assert max(map(cell_len, lines)) <= columns
    if kind == "markup":
        assert HOSTILE[kind] in text


def lettered(number: int) -> str:
    """A name that shares its pattern with no other."""
    return "job-" + "".join(chr(ord("a") + int(digit)) for digit in str(number))


def test_of_many_threads_the_busiest_are_shown_and_the_others_summed_up() -> None:
    threads = [
        make_thread(number, 0.001 * number, switches=10, name=lettered(number)) for number in range(1, 101)
    ]
    text = written(make_profile(*threads), 80)
    assert f"{lettered(100)} " in text
    assert f"{lettered(80)} " not in text
    assert line_of(text, "81 others").split()[2] == "332.1"  # percent: the sum of 0.1 to 8.1


def test_who_holds_and_who_waits_most_are_both_on_top() -> None:
    threads = [make_thread(number, 0.03, 0.5, name=lettered(number)) for number in range(1, 31)]
    holder = make_thread(99, 0.4, 0.0, name="holder")
    waiter = make_thread(98, 0.0, 0.9, name="waiter")
    text = written(make_profile(*threads, holder, waiter), 80)
    lines = text[text.index("Threads (%") :].splitlines()
    assert [line.split()[0] for line in lines[4:6]] == ["holder", "waiter"]


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_thread_for_each_request_takes_one_row_and_one_column(columns: int) -> None:
    pool = [
        make_thread(n, 0.0005, 0.0004, name=f"request-{n}" if n % 4 else None, alive=0.001, switches=3)
        for n in range(1, 1761)
    ]
    main = make_thread(5000, 0.08, 0.1, name="MainThread")
    blames = [Blame(holder=5000, waiter=n, seconds=0.001, count=1) for n in range(1, 1761)]
    blames += [Blame(holder=n, waiter=5000, seconds=0.002, count=1) for n in range(1, 1761)]
    text = written(interpreted(make_profile(*pool, main, blames=tuple(blames))), columns)
    assert max(map(cell_len, text.splitlines())) <= columns
    assert len(text.splitlines()) < 45
    assert "request-* (1760 threads)" in " ".join(text.split())
    assert "request-* (1760 threads): the names of 440 are unknown" in " ".join(text.split())
    matrix = text[text.index("by holder at start of wait") :]
    assert "3.52" in line_of(matrix, "MainThread")


@pytest.mark.parametrize("columns", [40, 60, 80, 160])
def test_tables_of_many_threads_with_long_names_fit_into_the_screen(columns: int) -> None:
    names = [f"ThreadPoolExecutor-{'x' * n}-of-a-very-long-name_0" for n in range(30)]
    threads = [make_thread(n, 0.02, 0.9, name=name) for n, name in enumerate(names, 1)]
    blames = [
        Blame(holder=one.tid, waiter=other.tid, seconds=0.1 * one.tid + 0.01 * other.tid, count=1)
        for one in threads
        for other in threads
        if one is not other
    ]
    text = written(interpreted(make_profile(*threads, blames=tuple(blames))), columns)
    assert max(map(cell_len, text.splitlines())) <= columns


def test_waits_that_have_no_end_are_so_long_or_longer() -> None:
    waits = (Bucket(lo=0.001, hi=0.002, count=4), Bucket(lo=2.147483648, hi=9.2e9, count=1))
    text = written(make_profile(make_thread(1, 0.5, 0.1, waits=waits)), 80)
    assert "2.15 s or longer" in text


def test_of_many_holders_the_others_share_a_column() -> None:
    threads = [make_thread(number, 0.05, 0.05, name=lettered(number)) for number in range(1, 13)]
    blames = tuple(Blame(holder=number, waiter=1, seconds=0.1 * number, count=1) for number in range(2, 13))
    for columns, alone in ((80, 3), (160, 9)):
        text = written(make_profile(*threads, blames=blames), columns)
        matrix = text[text.index("by holder at start of wait") :]
        assert "others" in matrix
        head = matrix.split(f"\n {lettered(1)} ")[0].split()
        assert sum(lettered(number) in head for number in range(2, 13)) == alone
        values = [float(value) for value in line_of(matrix, f"{lettered(1)} ").split()[1:]]
        assert sum(values) == pytest.approx(7.7, abs=0.05), "nothing is left out, or counted twice"


def test_all_waits_of_a_matrix_have_one_unit() -> None:
    threads = [make_thread(number, 0.3, 0.3) for number in (1, 2, 3)]
    blames = (
        Blame(holder=1, waiter=2, seconds=2.5, count=1),
        Blame(holder=1, waiter=3, seconds=0.0213, count=1),
    )
    text = written(make_profile(*threads, blames=blames), 80)
    assert "GIL wait time in s (by holder" in text
    assert [line.split()[1] for line in text.splitlines() if line.startswith(" worker-")][-2:] == [
        "2.50",
        "0.02",
    ]


def test_child_processes_are_told_apart_by_their_pid() -> None:
    text = written(make_profile(make_thread(1, 0.1), make_thread(2, 0.1, pid=222)), 80)
    assert "worker-2 [222]" in text


def test_what_is_unknown_is_a_dash() -> None:
    assert line_of(written(profiles.sampled(), 80), "MainThread").split()[1:] == ["1.0", *"------"]


def test_a_program_that_ended_at_once_shows_that_and_nothing_else() -> None:
    profile = make_profile(make_thread(100, 1.0), duration=1e-9, cpu=0.0456, start_up=0.0155, status=3)
    text = written(interpret(profile, 2), 80)
    assert "Profiled less than 1 ms (excluding 15.5 ms of startup), exit status 3" in text
    assert "there was nothing to profile. Profile a longer run" in " ".join(text.split())
    assert "CPUs" not in text
    assert "Threads" not in text


def test_cpus_and_calls_are_of_the_time_in_which_they_were_counted() -> None:
    calls = (Call(name="read", count=10),)
    profile = make_profile(make_thread(100, 1.0), duration=1.0, cpu=2.0, start_up=1.0, syscalls=calls)
    assert "(1.00 CPUs)" in written(profile, 80)
    assert line_of(written(profile, 80), "read").split() == ["read", "10", "5.00", "-"]


def test_a_signal_is_named_as_the_end() -> None:
    assert "ended by signal 15" in written(make_profile(make_thread(1, 0.5), status=-15), 80)


def test_a_profile_of_which_nothing_is_known_is_a_page() -> None:
    text = written(interpret(make_profile(command=()), 2), 80)
    assert text.startswith("/fake/python3.13\n")
    assert "Which threads held the GIL is unknown." in text


# --- the other formats ----------------------------------------------------------------------------------


def test_markdown_is_written_as_before(regenerate: bool) -> None:
    compare("profile.md", in_format(contended(), "markdown"), regenerate=regenerate)


@pytest.mark.parametrize("kind", HOSTILE)
def test_in_markdown_a_hostile_name_is_no_markup(kind: str) -> None:
    text = in_format(hostile(HOSTILE[kind]), "markdown")
    assert not {letter for line in text.split("\n") for letter in line if not letter.isprintable()}
    outside = re.sub(r"(`+).*?\1", "", text)
    assert not set("[]<>") & set(outside)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {3, 4, 5, 11}, "no name is a cell of its own"


def test_the_json_is_one_object_with_flat_threads() -> None:
    saved = json.loads(in_format(contended(), "json"))
    assert (saved["kind"], saved["schema"]) == ("profile", 3)
    assert {
        "probe",
        "duration",
        "process",
        "threads",
        "syscalls",
        "functions",
        "what_if",
        "findings",
        "caveats",
        "unavailable",
        "blames",
        "pauses",
        "costs",
        "stacks",
        "stack_rate",
    } < set(saved)
    thread = saved["threads"][2]
    assert (thread["name"], thread["gil_held"], thread["gil_wait"]) == ("crunch", 0.42, 0.51)
    assert (thread["switches"], thread["longest_hold"], thread["longest_wait"]) == (922, 0.0062, 0.0481)
    assert saved["probe"]["strength"] == "exact"
    assert saved["process"]["gil_enabled"] is True
    assert saved["unavailable"] == [caveat["text"] for caveat in saved["caveats"]]
    assert saved["caveats"][0]["subject"] == "stacks"
    assert [finding["kind"] for finding in saved["findings"]][:3] == ["measured", "cause", "waiting"]
    assert saved == json.loads(msgspec.json.encode(document(contended())))


def test_what_is_unknown_is_null_in_json_and_empty_in_csv() -> None:
    profile = profiles.sampled()
    assert json.loads(in_format(profile, "json"))["threads"][0]["gil_wait"] is None
    assert next(csv.DictReader(io.StringIO(in_format(profile, "csv"))))["gil_wait"] == ""


def test_csv_has_a_row_for_each_thread() -> None:
    rows = list(csv.DictReader(io.StringIO(in_format(contended(), "csv"))))
    assert [row["tid"] for row in rows] == ["100", "101", "102", "103", "104", "105"]
    assert (rows[1]["name"], rows[1]["gil_held"], rows[1]["switches"]) == ("crunch", "0.52", "940")
    assert not {"waits", "parked", "looks"} & set(rows[0])
    profile = make_profile(make_thread(1, name="=cmd()"))
    assert next(csv.DictReader(io.StringIO(in_format(profile, "csv"))))["name"] == "'=cmd()"


def test_a_speedscope_file_has_a_profile_for_each_thread_with_frames_by_number() -> None:
    frames = ("Thread.run (threading.py:975)", "fill (shared.py:9)")
    stacks = (
        Stack(tid=4656, thread="fill-0", frames=frames, samples=89),
        Stack(tid=4657, thread="fill-1", frames=frames, samples=98),
        Stack(tid=None, thread="thread (0x7F05E5A6C6C0)", frames=("serve (app.py:3)",), samples=13),
        Stack(tid=4656, thread="fill-0", frames=(frames[0], "odd <frame>"), samples=200),
    )
    text = in_format(make_profile(stacks=stacks, stack_rate=200), "speedscope")
    saved = json.loads(text)
    found = saved["shared"]["frames"]
    assert {"name": "fill", "file": "shared.py", "line": 9} in found
    assert {"name": "odd <frame>"} in found
    first = saved["profiles"][0]
    assert first["name"] == "fill-0 (4656)"
    assert first["weights"] == [89 / 200, 1.0]
    assert first["endValue"] == sum(first["weights"])
    assert [found[number]["name"] for number in first["samples"][1]] == ["Thread.run", "odd <frame>"]
    assert len(saved["profiles"]) == 3
    assert saved["name"] == "python app.py --fast"


def test_a_profile_without_stacks_is_a_speedscope_file_without_profiles() -> None:
    assert json.loads(in_format(contended(), "speedscope"))["profiles"] == []


@pytest.mark.parametrize("kind", HOSTILE)
def test_names_are_only_names_in_json_csv_and_speedscope(kind: str) -> None:
    name, profile = HOSTILE[kind], hostile(HOSTILE[kind])
    assert json.loads(in_format(profile, "json"))["threads"][0]["name"] == name
    assert json.loads(in_format(profile, "speedscope"))["profiles"][0]["name"] == f"{name} (1)"
    assert len(list(csv.reader(io.StringIO(in_format(profile, "csv"))))) == 3


def test_the_longest_bar_is_that_of_the_most_waits() -> None:
    waits = (Bucket(lo=0.0, hi=8e-6, count=10**9), Bucket(lo=0.001, hi=0.002, count=4))
    text = written(make_profile(make_thread(1, 0.5, 0.1, waits=waits)), 80)
    assert "█" not in line_of(text, "less than 8.00 µs")
    assert line_of(text, "1.00 ms to").count("█") == 24


def test_parked_time_is_summed_up_by_kind_of_lock() -> None:
    lock = Parked(kind="object lock", seconds=1.5, count=3, longest=0.5)
    threads = [make_thread(tid, None, 0.2, off_gil=0.5, parked=(lock,)) for tid in (1, 2)]
    text = written(make_profile(*threads, free_threaded=True, gil_enabled=False), 80)
    assert line_of(text, "object lock").split()[2:] == ["3.00", "s", "6", "500", "ms"]
