"""The live view: its keys, its rows, and how it is drawn."""

from __future__ import annotations

import io
import re

import msgspec
import pytest
from pages import HOSTILE
from profiles import contended, free_threaded, make_profile, make_thread
from rich.cells import cell_len
from rich.console import Console

from gilbench.model.profile import Profile
from gilbench.render.console import PlainConsole
from gilbench.render.live import LiveScreen, live_view
from gilbench.render.live_rows import NAME, live_rows, orders
from gilbench.render.live_state import BUSIEST, HELP, KEYS, LiveState, press

ORDERS = (BUSIEST, "gil_held", "gil_wait", NAME)
START = LiveState()


def pressed(*keys: str, state: LiveState = START) -> LiveState:
    for key in keys:
        state = press(state, key, ORDERS)
    return state


def crew() -> Profile:
    """Nine crunchers, and two others."""
    crunchers = [
        make_thread(number, held=number / 100, wait=0.5, name=f"crunch-{number}") for number in range(1, 10)
    ]
    return make_profile(
        *crunchers,
        make_thread(20, held=0.3, wait=0.1, name="Main"),
        make_thread(21, held=None, wait=None, name=None),
    )


def labels(state: LiveState, profile: Profile | None = None) -> list[str]:
    return [row.label for row in live_rows(state, profile or crew()).rows]


def drawn(state: LiveState, profile: Profile, columns: int, lines: int, without_keys: str = "") -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=columns, height=lines, highlight=False)
    console.print(live_view(state, profile, None, without_keys))
    return file.getvalue().splitlines()


# --- keys -----------------------------------------------------------------------------------------------


def test_keys_go_through_the_orders_in_both_directions() -> None:
    assert [pressed(*"s" * count).order for count in range(5)] == [*ORDERS, BUSIEST]
    assert pressed("<").order == pressed("left").order == NAME
    assert pressed(">", "right", "<") == pressed("s")
    assert pressed("r").reverse
    assert not pressed("r", "r").reverse
    assert not pressed("r", "s").reverse


def test_an_order_that_is_gone_starts_again() -> None:
    assert press(LiveState(order="longest_hold"), "s", ORDERS).order == "gil_held"


def test_a_filter_is_typed_and_applied_by_enter() -> None:
    typing = pressed("/", *"worq", "backspace", *"k q")
    assert (typing.typed, typing.filter, typing.ended) == ("work q", "", False)
    assert pressed("enter", state=typing) == LiveState(filter="work q")
    assert pressed("f", *"abc", "clear", "x", "left", "enter").filter == "x"
    again = pressed("/", "2", state=LiveState(filter="work"))
    assert again.typed == "work2"
    assert again.filter == "work"
    assert len(pressed("/", *"x" * 500).typed or "") < 80


def test_escape_clears_the_filter_while_it_is_typed_and_later() -> None:
    assert pressed("/", "a", "escape", state=LiveState(filter="work")) == LiveState()
    assert pressed("escape", state=LiveState(filter="work")) == LiveState()


def test_keys_group_pause_help_and_end() -> None:
    assert [pressed(*"g" * count).grouping for count in range(4)] == ["many", "all", "none", "many"]
    assert pressed("p") == pressed(" ") == LiveState(paused=True)
    assert pressed("p", " ") == LiveState()
    assert pressed("h") == pressed("?") == LiveState(helping=True)
    assert pressed("h", "q") == LiveState()
    assert pressed("q").ended


def test_keys_without_a_meaning_change_nothing() -> None:
    assert pressed("x", "enter", "backspace", "é", "1") == LiveState()


def test_the_help_has_all_keys() -> None:
    told = {key for keys, _ in HELP for key in keys.split(", ")}
    assert set(KEYS) <= told


# --- rows -----------------------------------------------------------------------------------------------


def test_rows_are_sorted_by_the_chosen_column_and_unknown_values_come_last() -> None:
    alone = LiveState(order="gil_held", grouping="none")
    assert labels(alone)[:3] == ["Main", "crunch-9", "crunch-8"]
    assert labels(alone)[-1] == "thread 21"
    assert labels(alone._replace(reverse=True)) == labels(alone)[::-1]


def test_rows_are_sorted_by_name_as_people_count() -> None:
    profile = make_profile(*(make_thread(number, name=f"w-{number}") for number in (10, 9, 100, 1)))
    assert labels(LiveState(order=NAME), profile) == ["w-1", "w-9", "w-10", "w-100"]
    assert labels(LiveState(order=NAME, reverse=True), profile)[0] == "w-100"


def test_by_activity_the_order_is_that_of_the_report_and_can_be_turned_around() -> None:
    assert labels(LiveState())[:2] == ["crunch-* (9 threads)", "Main"]
    assert labels(LiveState(reverse=True)) == labels(LiveState())[::-1]


def test_threads_are_grouped_as_chosen() -> None:
    few = make_profile(*(make_thread(number, 0.2, 0.2) for number in (1, 2)))
    assert labels(LiveState(), few) == ["worker-1", "worker-2"]
    assert labels(LiveState(grouping="all"), few) == ["worker-* (2 threads)"]
    assert "crunch-* (9 threads)" in labels(LiveState())
    assert "crunch-3" in labels(LiveState(grouping="none"))


def test_the_filter_looks_into_names_and_ignores_case() -> None:
    assert labels(LiveState(filter="mai")) == ["Main"]
    assert labels(LiveState(filter="THREAD 2")) == ["thread 21"]
    chosen = live_rows(LiveState(filter="CRUNCH-3"), crew())
    assert [thread.name for thread in chosen.profile.threads] == ["crunch-3"]
    assert labels(LiveState(filter="nobody")) == []


def test_a_build_without_a_gil_is_sorted_by_its_own_columns() -> None:
    assert "gil_held" in orders(contended())
    assert "gil_held" not in orders(free_threaded())
    assert "gil_wait" in orders(free_threaded())


# --- the screen -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40), (160, 50), (40, 12), (20, 3), (80, 1)])
@pytest.mark.parametrize(
    "state",
    [LiveState(), LiveState(helping=True), LiveState(typed="x" * 24, paused=True), LiveState(filter="9")],
)
def test_the_view_fills_the_terminal_and_its_last_line_has_the_keys(
    columns: int, lines: int, state: LiveState
) -> None:
    threads = [make_thread(number, 0.01, switches=10) for number in range(1, 101)]
    profile = msgspec.structs.replace(contended(), threads=tuple(threads))
    shown = drawn(state._replace(grouping="none"), profile, columns, lines)
    assert len(shown) == lines
    assert max(map(cell_len, shown)) <= columns
    assert shown[-1].startswith("Filter by name" if state.typed else "s sort"[:columns])
    if (columns, lines) == (80, 24):
        assert shown[-1].rstrip().endswith("it" if state.typed else "q quit")
        if not state.helping:
            assert any("all threads" in line or "these threads" in line for line in shown)


def test_more_lines_show_more_threads() -> None:
    threads = [make_thread(number, 0.01, switches=10) for number in range(1, 101)]
    profile = msgspec.structs.replace(contended(), threads=tuple(threads))
    counts = [
        sum("worker-" in line for line in drawn(LiveState(grouping="none"), profile, 80, lines))
        for lines in (24, 40)
    ]
    assert counts[1] == counts[0] + 16


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (LiveState(), "Sorted by activity"),
        (LiveState(order="gil_wait", reverse=True), "Sorted by GIL wait, lowest first"),
        (LiveState(order=NAME), "Sorted by name"),
        (LiveState(paused=True), "Paused. Sorted by activity"),
        (LiveState(filter="serve"), "Names with 'serve'"),
        (LiveState(filter="nobody"), "No thread's name contains 'nobody'"),
        (LiveState(grouping="all"), "One row per name"),
        (LiveState(grouping="none"), "One row per thread"),
        (LiveState(typed="wor"), "Filter by name: wor_"),
        (LiveState(ended=True), "its report follows"),
        (LiveState(helping=True), "pause: the table stands still"),
    ],
)
def test_the_view_says_what_was_chosen(state: LiveState, said: str) -> None:
    assert said in "\n".join(drawn(state, contended(), 80, 24))


def test_the_view_says_why_there_are_no_keys() -> None:
    shown = drawn(LiveState(), contended(), 80, 24, "there is no terminal")
    assert shown[-1].strip() == "No keys: there is no terminal"
    assert "s sort" not in "\n".join(shown)


def test_a_view_without_threads_can_be_drawn() -> None:
    assert len(drawn(LiveState(), make_profile(), 80, 24)) == 24


@pytest.mark.parametrize("kind", HOSTILE)
def test_names_and_filters_cannot_move_the_cursor(kind: str) -> None:
    name = HOSTILE[kind]
    profile = make_profile(make_thread(1, 0.5, 0.5, name=name), command=("python", name))
    file = io.StringIO()
    console = PlainConsole(file=file)
    console.size = (80, 24)
    console.print(live_view(LiveState(filter=name[:9]), profile, None))
    shown = file.getvalue().splitlines()
    assert len(shown) == 24
    assert all(line.isprintable() for line in shown)
    assert max(map(cell_len, shown)) <= 80


def on_a_terminal(columns: int = 80, lines: int = 24) -> tuple[io.StringIO, Console]:
    file = io.StringIO()
    return file, Console(
        file=file, width=columns, height=lines, force_terminal=True, color_system="standard", highlight=False
    )


def frames(file: io.StringIO) -> list[str]:
    """What was drawn, one text a drawing."""
    drawn = (re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", part) for part in file.getvalue().split("\x1b[H"))
    return [text for text in drawn if text]


def test_live_draws_in_place_on_a_screen_of_its_own_and_gives_the_terminal_back() -> None:
    file, console = on_a_terminal()
    later = msgspec.structs.replace(contended(), duration=20.0)
    with LiveScreen(console) as screen:
        for profile in (contended(), later):
            screen.receive(profile)
            screen.draw(LiveState())
    text = file.getvalue()
    assert text.index("\x1b[?1049h") < text.index("crunch (101)") < text.index("\x1b[?1049l")
    assert "% of the last 10.0 s" in text
    assert "Profiled 20.0 s" in text
    assert "\x1b[?25h" in text.partition("\x1b[?1049l")[0] + text.partition("\x1b[?1049l")[2]
    assert text.count("crunch (101)") >= 2
    assert "\x1b[2J" not in text  # clearing the screen between two drawings is what flickers


def test_live_gives_the_terminal_back_when_it_is_interrupted() -> None:
    file, console = on_a_terminal()

    def draw() -> None:
        with LiveScreen(console) as screen:
            screen.receive(contended())
            screen.draw(LiveState())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw()
    assert "\x1b[?1049l" in file.getvalue()


def test_while_it_is_paused_the_table_stands_still_but_obeys_keys() -> None:
    file, console = on_a_terminal()
    later = [msgspec.structs.replace(contended(), duration=seconds) for seconds in (20.0, 30.0, 40.0)]
    with LiveScreen(console) as screen:
        screen.receive(contended())
        screen.draw(LiveState())
        for profile in later[:2]:
            screen.receive(profile)
            screen.draw(LiveState(paused=True))
        screen.draw(LiveState(paused=True, order=NAME))
        screen.receive(later[2])
        screen.draw(LiveState())
    shown = frames(file)
    assert all("Profiled 10.0 s" in frame for frame in shown[:-1])
    assert "Sorted by name" in shown[-2]
    assert "Profiled 40.0 s" in shown[-1]
    assert "% of the last 10.0 s" in shown[-1]  # and not since the pause


def test_it_is_drawn_again_only_if_something_changed() -> None:
    file, console = on_a_terminal()
    screen = LiveScreen(console)
    screen.receive(contended())
    screen.draw(LiveState())
    assert file.getvalue() == ""  # it is not there yet
    with screen:
        for state in (LiveState(), LiveState(), LiveState(reverse=True)):
            screen.draw(state)
        assert len(frames(file)) == 2
        console.size = (100, 30)
        screen.draw(LiveState(reverse=True))
        assert len(frames(file)) == 3
        screen.hide()
        screen.draw(LiveState())
        assert len(frames(file)) == 3
        screen.show()
        screen.draw(LiveState())
        assert len(frames(file)) == 4


def test_before_the_first_profile_there_is_nothing_to_draw_or_sort() -> None:
    file, console = on_a_terminal()
    with LiveScreen(console) as screen:
        screen.draw(LiveState())
        assert screen.orders == (BUSIEST,)
    assert frames(file) == []


def test_a_long_command_has_one_line() -> None:
    profile = make_profile(make_thread(1, 0.5), command=("python", "-c", "a = 1\n" * 50))
    shown = drawn(START, profile, 80, 24)
    assert shown[0].startswith("python -c a = 1 a = 1")
    assert shown[1].startswith("PID 100")
