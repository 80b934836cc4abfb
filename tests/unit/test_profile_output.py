"""A profile as it is written. Made anew by: pytest tests/unit/test_profile_output.py --regenerate."""

from __future__ import annotations

import io
import json
from typing import Any

import msgspec
import profiles
import pytest
from profiles import contended, judged, make_profile, make_thread
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from test_golden import HOSTILE, PROFILES, WIDTHS, compare

from gilbench.analyse.program_report import judge
from gilbench.model import Share
from gilbench.program import Blame, Call, ProgramProfile
from gilbench.render.live import show_live
from gilbench.render.profile import live_view, render_profile
from gilbench.render.profile_json import render_profile_json


def written(profile: ProgramProfile, columns: int, **how: Any) -> str:
    file = io.StringIO()
    render_profile(profile, Console(file=file, width=columns, highlight=False, **how))
    return file.getvalue()


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("name", PROFILES)
def test_each_profile_is_written_as_before(name: str, columns: int, regenerate: bool) -> None:
    lines = [line.rstrip() for line in written(getattr(profiles, name)(), columns).splitlines()]
    compare(f"profile_{name}_{columns}.txt", "\n".join(lines) + "\n", regenerate=regenerate)


@pytest.mark.parametrize("columns", [60, 80, 100, 160])
@pytest.mark.parametrize("name", PROFILES)
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_cut(name: str, columns: int) -> None:
    text = written(getattr(profiles, name)(), columns)
    assert max(map(cell_len, text.splitlines())) <= columns
    assert "…" not in text


def test_at_80_columns_every_figure_of_every_thread_is_there() -> None:
    line = next(
        line for line in written(contended(), 80).splitlines() if line.lstrip().startswith("crunch (102)")
    )
    figures = ["42.0", "51.0", "1.0", "6.0", "92.2", "6.20", "ms", "48.1", "ms"]
    assert line.split()[2:] == figures


def test_colour_changes_no_letter_and_a_pipe_gets_none() -> None:
    plain = written(contended(), 80)
    coloured = written(contended(), 80, force_terminal=True, color_system="standard")
    assert "\x1b" not in plain
    assert Text.from_ansi(coloured).plain.split() == plain.split()


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_name_is_shown_and_does_no_harm(kind: str) -> None:
    name = HOSTILE[kind]
    profile = make_profile(
        make_thread(1, 0.5, 0.5, name=name, longest_hold=0.1),
        make_thread(2, 0.5, 0.5, name=name),
        command=("python", name),
        version=name,
        blames=(Blame(holder=1, waiter=2, seconds=1.0, count=1),),
        functions=(Share(name=name, value=1.0),),
        syscalls=(Call(name=name, count=1),),
        unavailable=(name,),
    )
    text = written(judged(profile), 80, force_terminal=True, no_color=True)
    for code in ("\x1b[1m", "\x1b[2m", "\x1b[0m"):
        text = text.replace(code, "")
    lines = text.split("\n")
    assert not {letter for line in lines for letter in line if not letter.isprintable()}
    assert max(map(cell_len, lines)) <= 80


def test_of_many_threads_the_busiest_are_shown_and_the_others_added_up() -> None:
    threads = [make_thread(number, 0.001 * number, switches=10) for number in range(1, 101)]
    text = written(make_profile(*threads), 80)
    assert "worker-100" in text
    assert "worker-80 " not in text
    rest = next(line for line in text.splitlines() if line.lstrip().startswith("81 others"))
    assert rest.split()[2] == "332.1"  # per cent: the sum of 0.1 to 8.1


def test_of_many_holders_the_others_share_a_column() -> None:
    threads = [make_thread(number, 0.05, 0.05) for number in range(1, 13)]
    blames = tuple(Blame(holder=number, waiter=1, seconds=0.1 * number, count=1) for number in range(2, 13))
    for columns, shown in ((80, 3), (160, 9)):
        text = written(make_profile(*threads, blames=blames), columns)
        matrix = text[text.index("Who made whom wait") :]
        assert "others" in matrix
        assert sum(f"worker-{number}" in matrix.split("worker-1 ")[0] for number in range(2, 13)) == shown


def test_child_processes_are_told_apart_by_their_pid() -> None:
    text = written(make_profile(make_thread(1, 0.1), make_thread(2, 0.1, pid=222)), 80)
    assert "worker-2 [222]" in text


def test_the_json_is_one_object_with_flat_threads() -> None:
    document = json.loads(render_profile_json(contended()))
    assert {
        "probe",
        "duration",
        "process",
        "threads",
        "syscalls",
        "functions",
        "what_if",
        "findings",
        "unavailable",
        "blames",
        "pauses",
        "costs",
    } < set(document)
    thread = document["threads"][2]
    assert (thread["name"], thread["gil_held"], thread["gil_wait"]) == ("crunch", 0.42, 0.51)
    assert (thread["switches"], thread["longest_hold"], thread["longest_wait"]) == (922, 0.0062, 0.0481)
    assert document["probe"]["strength"] == "exact"
    assert document["process"]["gil_enabled"] is True


def test_what_is_unknown_is_null_in_json_and_a_dash_in_a_table() -> None:
    assert json.loads(render_profile_json(profiles.sampled()))["threads"][0]["gil_wait"] is None
    line = next(line for line in written(profiles.sampled(), 80).splitlines() if "MainThread" in line)
    assert line.split()[1:] == ["1.0", *"------"]


def test_the_live_view_fits_into_a_small_terminal() -> None:
    threads = [make_thread(number, 0.01, switches=10) for number in range(1, 101)]
    profile = msgspec.structs.replace(contended(), threads=tuple(threads))
    for columns, lines in ((80, 24), (160, 50)):
        file = io.StringIO()
        Console(file=file, width=columns, highlight=False).print(live_view(profile, None, columns, lines))
        shown = file.getvalue().splitlines()
        assert len(shown) <= lines
        assert max(map(cell_len, shown)) <= columns
        assert any("all threads" in line for line in shown)


def test_live_draws_in_place_on_a_screen_of_its_own_and_gives_the_terminal_back() -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, height=24, force_terminal=True, color_system="standard")
    later = msgspec.structs.replace(contended(), duration=20.0)
    show_live([contended(), later], console)
    text = file.getvalue()
    assert text.index("\x1b[?1049h") < text.index("crunch (101)") < text.index("\x1b[?1049l")
    assert "in per cent of the last 10.0 s" in text
    assert "20.0 s profiled" in text
    assert "\x1b[?25h" in text.partition("\x1b[?1049l")[0] + text.partition("\x1b[?1049l")[2]
    assert text.count("crunch (101)") >= 2
    assert "\x1b[2J" not in text  # clearing the screen between two drawings is what flickers


def test_live_gives_the_terminal_back_when_it_is_interrupted() -> None:
    def moments() -> Any:
        yield contended()
        raise KeyboardInterrupt

    file = io.StringIO()
    console = Console(file=file, width=80, height=24, force_terminal=True)
    with pytest.raises(KeyboardInterrupt):
        show_live(moments(), console)
    assert "\x1b[?1049l" in file.getvalue()


def test_of_no_time_nothing_is_said_but_that() -> None:
    profile = make_profile(make_thread(100, 1.0), duration=1e-9, cpu=0.0456, start_up=0.0155)
    text = written(judge(profile, 2), 80)
    assert "less than 1 ms profiled" in text
    assert "It ended as soon as it had begun" in text
    assert "cores" not in text
    assert "Threads" not in text


def test_cores_are_of_the_time_that_the_kernel_counted() -> None:
    profile = make_profile(make_thread(100, 1.0), duration=1.0, cpu=2.0, start_up=1.0)
    assert "(1.00 cores)" in written(profile, 80)
