"""The page of a recorded profile in Chromium: lanes and flame graphs that are zoomed and searched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import profiles
import pytest
from browser import Visit, browser, opened
from gil_machine import MS
from gil_machine import run as gil_run
from playwright.sync_api import Browser, Locator, expect
from traced import half_a_million

from gilbench.analyse.profile.lanes import lanes_of
from gilbench.model.profile import Profile, RecordedProfile, SourceLine, Stack
from gilbench.render import formats
from gilbench.render.charts import style

MOST = 5 * 1000 * 1000  # bytes of the page
HOSTILE = (
    "</script><script>document.title='run'</script>",
    "<img src=x onerror=\"document.title='run'\">",
    "<!--<script>",
    "'\"]}; document.title='run'; //",
    "\u2028\u202e\x1b[2J\ud800",
)
COLORS = """canvas => {
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const counts = {};
  for (let at = 0; at < data.length; at += 4) {
    const color = "#" + [0, 1, 2].map(one => data[at + one].toString(16).padStart(2, "0")).join("");
    if (data[at + 3] === 255) counts[color] = (counts[color] ?? 0) + 1;
  }
  return counts;
}"""


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with browser() as one:
        yield one


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of half a million events."""
    return written(half_a_million(), tmp_path_factory.mktemp("traced"))


@pytest.fixture
def visit(running: Browser, traced: Path) -> Iterator[Visit]:
    with opened(running, traced) as one:
        expect(one.page.locator("figure.live")).to_have_count(3)
        yield one
        assert one.faults == []


def written(result: object, folder: Path) -> Path:
    path = folder / "page.html"
    path.write_text(formats.text_of(result, "html"), "utf-8")
    return path


def figure(visit: Visit, name: str) -> Locator:
    return visit.page.locator(f"#g-{name}")


def shown(visit: Visit) -> tuple[float, float]:
    """The part of the time that the lanes show, s."""
    text = figure(visit, "lanes").get_by_role("status").inner_text()
    found = re.match(r"Shown: ([\d.]+) s to ([\d.]+) s of", text)
    assert found is not None, text
    return float(found[1]), float(found[2])


def drag(visit: Visit, begin: float, end: float, *, shift: bool = False) -> None:
    """Drag over the lanes from one part of the width to another."""
    canvas = figure(visit, "lanes").locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    left, width, top = box["x"] + 180, box["width"] - 180, box["y"] + 40
    if shift:
        visit.page.keyboard.down("Shift")
    visit.page.mouse.move(left + begin * width, top)
    visit.page.mouse.down()
    visit.page.mouse.move(left + end * width, top, steps=5)
    visit.page.mouse.up()
    if shift:
        visit.page.keyboard.up("Shift")


def test_half_a_million_events_fit_into_a_page(traced: Path) -> None:
    events = half_a_million().events
    assert events is not None
    assert len(events.stamps) > 490_000
    assert (events.end - events.begin) * 1e-9 == pytest.approx(10, rel=0.1)
    assert traced.stat().st_size < MOST


def test_lanes_have_the_colors_of_the_states_in_the_shares_of_the_profile(visit: Visit) -> None:
    lanes = half_a_million().profile.lanes
    assert lanes is not None
    counts = figure(visit, "lanes").locator("canvas").evaluate(COLORS)
    parts = {
        color: sum(sum(getattr(lane, field)) for lane in lanes.threads)
        for field, color in {
            "held": style.HELD,
            "wait": style.WAIT,
            "off": style.OFF,
            "blocked": style.BLOCKED,
        }.items()
    }
    pixels = sum(counts.get(color.lower(), 0) for color in parts)
    for color, part in parts.items():
        assert counts.get(color.lower(), 0) / pixels == pytest.approx(part / sum(parts.values()), abs=0.03)


def test_a_drag_enlarges_the_part_that_it_covers(visit: Visit) -> None:
    begin, end = shown(visit)
    before = figure(visit, "lanes").locator("canvas").screenshot()
    drag(visit, 0.25, 0.5)
    assert shown(visit) == pytest.approx(
        (begin + 0.25 * (end - begin), begin + 0.5 * (end - begin)), rel=0.02
    )
    assert figure(visit, "lanes").locator("canvas").screenshot() != before
    drag(visit, 0.25, 0.5)
    inner = shown(visit)
    assert inner[1] - inner[0] == pytest.approx((end - begin) / 16, rel=0.05)
    drag(visit, 0.5, 0.75, shift=True)
    moved = shown(visit)
    assert moved[1] - moved[0] == pytest.approx(inner[1] - inner[0], rel=0.02)
    assert moved[0] < inner[0]
    figure(visit, "lanes").get_by_role("button", name="Show all").click()
    assert shown(visit) == (begin, end)


def test_deep_inside_a_single_hold_is_seen(visit: Visit) -> None:
    for _ in range(5):
        drag(visit, 0.4, 0.6)
    begin, end = shown(visit)
    assert end - begin == pytest.approx(10 * 0.2**5, rel=0.1)
    visit.page.mouse.move(700, 400)
    counts = figure(visit, "lanes").locator("canvas").evaluate(COLORS)
    assert counts.get(style.HELD.lower(), 0) > 0


def test_the_lanes_follow_the_keyboard(visit: Visit) -> None:
    area = figure(visit, "lanes").get_by_role("application")
    area.focus()
    begin, end = shown(visit)
    visit.page.keyboard.press("+")
    assert shown(visit)[1] - shown(visit)[0] == pytest.approx((end - begin) / 2, rel=0.02)
    visit.page.keyboard.press("ArrowRight")
    assert shown(visit)[0] > begin + (end - begin) / 4
    visit.page.keyboard.press("0")
    assert shown(visit) == (begin, end)
    first = figure(visit, "lanes").get_by_role("status").inner_text()
    visit.page.keyboard.press("ArrowDown")
    assert figure(visit, "lanes").get_by_role("status").inner_text() != first


def test_a_search_marks_functions_and_tells_their_share(visit: Visit) -> None:
    profile = half_a_million().profile
    found = figure(visit, "flame")
    found.get_by_role("searchbox").fill("ORDERS")
    wanted = [stack.samples for stack in profile.stacks if any("orders" in frame for frame in stack.frames)]
    share = sum(wanted) / sum(stack.samples for stack in profile.stacks)
    expect(found.get_by_role("status")).to_contain_text(f"{share:.1%} of samples")
    assert found.locator("g.match").count() > 10
    names = found.locator("g.match").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    assert all("orders" in name for name in names)
    found.get_by_role("searchbox").fill("")
    expect(found.locator("g.match, g.dim")).to_have_count(0)
    expect(found.get_by_role("status")).to_have_text("")


def test_a_flame_graph_is_walked_and_enlarged_by_keyboard(visit: Visit) -> None:
    found = figure(visit, "flame")
    current = found.locator("g[tabindex='0']")
    expect(current).to_have_count(1)
    current.focus()
    visit.page.keyboard.press("ArrowDown")
    visit.page.keyboard.press("ArrowRight")
    label = current.get_attribute("aria-label")
    assert label is not None
    assert label.startswith("worker-")
    expect(found.get_by_role("button", name="Show all")).to_be_disabled()
    visit.page.keyboard.press("Enter")
    expect(current).to_have_attribute("aria-label", label)
    widths = found.locator(".flames g").evaluate_all("all => all.slice(0, 2).map(one => one.getBBox().width)")
    assert widths[0] > 1000
    assert widths[0] == pytest.approx(widths[1], abs=2)
    visit.page.keyboard.press("ArrowDown")
    expect(current).to_have_attribute("aria-label", re.compile("main"))
    expect(found.locator("pre")).to_have_text("serve(order for order in orders if order < limit)")
    visit.page.keyboard.press("Escape")
    expect(found.get_by_role("button", name="Show all")).to_be_disabled()
    expect(current).to_have_attribute("aria-label", re.compile("all threads"))


def test_tab_reaches_every_part(visit: Visit) -> None:
    reached = set()
    for _ in range(80):
        visit.page.keyboard.press("Tab")
        reached.add(
            visit.page.evaluate(
                "() => { const one = document.activeElement;"
                " return [one.closest('figure')?.id, one.tagName.toLowerCase()].join(' ') }"
            )
        )
    assert reached >= {"g-lanes div", "g-lanes button", "g-flame input", "g-flame g", "g-flame-waits g"}


def test_without_a_script_and_on_paper_there_are_pictures(running: Browser, traced: Path) -> None:
    with opened(running, traced, script=False) as plain:
        expect(figure(plain, "flame").get_by_role("img")).to_be_visible()
        expect(plain.page.locator("button, input, canvas")).to_have_count(0)
        assert plain.faults == []
    with opened(running, traced, paper=True) as printed:
        expect(printed.page.locator("figure.live")).to_have_count(3)
        expect(figure(printed, "lanes").get_by_role("img")).to_be_visible()
        expect(figure(printed, "lanes").locator("canvas")).to_be_hidden()


def test_the_policy_refuses_other_scripts(running: Browser, traced: Path) -> None:
    with opened(running, traced) as one:
        one.page.evaluate(
            """() => {
              setTimeout("document.title = 'run'");
              const script = document.createElement("script");
              script.textContent = "document.title = 'run'";
              document.body.append(script);
            }"""
        )
        one.page.wait_for_timeout(500)
        assert one.page.title() != "run"
        assert len([text for text in one.complaints if "Content Security Policy" in text]) == 2


def hostile() -> RecordedProfile:
    course = gil_run(*([("python", 20 * MS), ("sleep", 5 * MS)] for _ in HOSTILE))
    profile = course.profile()
    threads = tuple(
        msgspec.structs.replace(thread, name=name)
        for thread, name in zip(profile.threads, ("main", *HOSTILE), strict=True)
    )
    stacks = tuple(
        Stack(tid=tid, thread=name, frames=HOSTILE, samples=3) for tid, name in enumerate(HOSTILE, 2)
    )
    return RecordedProfile(
        msgspec.structs.replace(
            profile,
            threads=threads,
            stacks=stacks,
            sources=tuple(SourceLine(frame=name, text=name) for name in HOSTILE),
            lanes=lanes_of(course.events),
        ),
        course.events,
    )


@pytest.mark.parametrize("recorded", [True, False])
def test_hostile_names_do_nothing(running: Browser, tmp_path: Path, recorded: bool) -> None:
    result = hostile() if recorded else hostile().profile
    with opened(running, written(result, tmp_path)) as one:
        expect(one.page.locator("figure.live")).to_have_count(2)
        found = figure(one, "flame")
        found.get_by_role("searchbox").fill("<img")
        assert found.locator("g.match").count() >= 5
        found.locator("g.match").first.click()
        figure(one, "lanes").get_by_role("application").focus()
        for _ in HOSTILE:
            one.page.keyboard.press("ArrowDown")
        assert one.page.title() != "run"
        assert one.page.locator("img").count() == 0
        assert one.faults == []


def with_pieces(profile: Profile) -> Profile:
    course = gil_run([("python", 60 * MS), ("sleep", 40 * MS)], [("native", 50 * MS), ("python", 70 * MS)])
    return msgspec.structs.replace(profile, lanes=lanes_of(course.events))


def test_without_events_the_pieces_are_enlarged(running: Browser, tmp_path: Path) -> None:
    with opened(running, written(with_pieces(profiles.contended()), tmp_path), width=390) as one:
        expect(one.page.locator("figure.live")).to_have_count(1)
        begin, end = shown(one)
        figure(one, "lanes").get_by_role("button", name="Zoom in").click()
        assert shown(one)[1] - shown(one)[0] == pytest.approx((end - begin) / 2, rel=0.02)
        assert one.page.evaluate("() => document.documentElement.scrollWidth") <= 390
        assert one.faults == []
