"""Charts: which there are, that their drawings hold what their tables say, and how they are written to files."""

from __future__ import annotations

import functools
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import checks
import msgspec
import profiles
import pytest
from charted import history
from gil_machine import MS
from gil_machine import run as gil_run
from html_pages import HtmlPage
from PIL import Image
from studies import StudyBuilder, everything, make_workload, named, save
from test_golden import compared

from gilbench.analyse.profile.report import interpret
from gilbench.analyse.stats.scaling import fit_laws, speedup_by_law
from gilbench.analyse.study.report import build_report
from gilbench.cli import run
from gilbench.model.profile import Profile, RecordedProfile, Replayed, SourceLine, Stack, WhatIf
from gilbench.model.study import Control, Share, Study
from gilbench.render import formats
from gilbench.render.charts import style
from gilbench.render.charts.chart import Chart
from gilbench.work.read import read_result
from gilbench.work.scorecard import read_card

REFERENCE = Path(__file__).parent.parent.parent / "reports" / "reference"
SVG = "{http://www.w3.org/2000/svg}"
NAMES = {
    "quick": {
        "scaling-cpu",
        "scaling-offgil",
        "latency-io",
        "latency-signals",
        "kept",
        "handled",
        "one-thread",
    },
    "published": {"scaling-cpu", "one-thread"},
    "card": {"claims", "requirements"},
}


@functools.cache
def saved(name: str) -> tuple[Chart, ...]:
    if name == "card":
        return formats.charts_of(read_card(REFERENCE / "scorecard.jsonl"))
    return formats.charts_of(read_result(REFERENCE / f"{name}.jsonl"))


def chart(result: object, name: str) -> Chart:
    (found,) = (one for one in formats.charts_of(result) if one.name == name)
    return found


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - gilbench wrote it


def drawn(one: Chart) -> ET.Element:
    return parsed(one.draw())


def texts(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def marks(root: ET.Element, kind: str) -> Iterator[ET.Element]:
    """The marks of a kind in a drawing of vega: symbol, rect, line, rule."""
    for group in root.iter(f"{SVG}g"):
        if group.get("class", "").startswith(f"mark-{kind} role-mark"):
            yield from group


def rows(one: Chart) -> list[tuple[str, ...]]:
    (section,) = one.table.sections
    return [tuple(str(entry) for entry in row) for row in section.rows]


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_result_has_its_charts(name: str) -> None:
    names = [one.name for one in saved(name)]
    assert set(names) >= NAMES[name]
    assert len(names) == len(set(names))
    assert all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", one) for one in names)


@pytest.mark.parametrize("name", NAMES)
def test_each_chart_of_a_saved_result_is_drawn_with_marks_and_values(name: str) -> None:
    for one in saved(name):
        root = drawn(one)
        assert root.tag == f"{SVG}svg"
        assert float(root.get("width", "0")) > 100
        kinds = ("symbol", "rect", "line", "rule", "area")
        assert sum(1 for kind in kinds for _ in marks(root, kind)) > 0, one.name
        assert rows(one)
        assert all(letters.isprintable() for letters in texts(root))


def test_a_chart_of_scaling_has_a_point_for_each_number_of_threads() -> None:
    report = everything().report()
    one = chart(report, "scaling-cpu")
    assert len(rows(one)) == 6  # three interpreters, two and four threads
    assert len(list(marks(drawn(one), "symbol"))) == 9  # and one thread
    assert {"threads", "speedup", "3.13t", "countdown"} <= set(texts(drawn(one)))
    assert "No control was measured" in one.summary


def controlled(*gains: float) -> Study:
    builder = StudyBuilder([named("3.13")], [make_workload()])
    for threads, gain in zip((1, *range(2, 2 + len(gains))), (None, *gains), strict=True):
        builder.work(
            "countdown", "3.13", 1000.0, threads=threads, control=Control(speedup=gain) if gain else None
        )
    return builder.study()


def test_a_chart_of_scaling_shows_what_the_host_gives(tmp_path: Path) -> None:
    report = read_result(save(controlled(1.9, 1.95), tmp_path / "study.jsonl"))
    assert [(gain.threads, gain.speedup) for gain in report.host_gains] == [(2, 1.9), (3, 1.95)]  # type: ignore[union-attr]
    one = chart(report, "scaling-cpu")
    assert "what the host gives" in one.summary
    dashes = [line.get("stroke-dasharray") for line in marks(drawn(one), "line")]
    assert len(dashes) == 3
    assert len(set(dashes)) == 3  # ideal, host, and the law of the interpreter
    assert {"ideal", "host", "fitted law"} <= set(texts(drawn(one)))


def test_a_law_is_drawn_through_the_points_from_three_numbers_of_threads() -> None:
    two, three = controlled(1.9), controlled(1.9, 1.95)
    assert "Law" not in chart(build_report(two), "scaling-cpu").summary
    one = chart(build_report(three), "scaling-cpu")
    assert "Universal Scalability Law" in one.summary
    (law,) = [line for line in marks(drawn(one), "line") if line.get("stroke-dasharray") == "1,0"]
    assert (law.get("d") or "").count("L") >= 20  # a curve


def test_a_law_gives_what_it_was_fitted_to() -> None:
    sigma, kappa = 0.1, 0.01
    speedups = {threads: speedup_by_law(threads, 4, sigma, kappa) for threads in (2, 4, 8)}
    assert fit_laws(speedups, 4)[1:] == pytest.approx((sigma, kappa))
    assert speedup_by_law(1, 4, sigma, kappa) == 1


def test_the_numbers_below_the_percentiles_are_those_of_the_table() -> None:
    one = chart(everything().report(), "latency-io")
    slower = {row[4] for row in rows(one)} - {"-"}
    assert slower
    assert slower & set(texts(drawn(one)))
    assert all(int(row[4]) == int(row[5]) // 2 for row in rows(one) if row[2] == "p50")


def test_an_answer_that_never_came_is_left_out_of_the_drawing_of_latencies() -> None:
    one = chart(everything().report(), "latency-signals")
    assert rows(one)
    assert "Infinity" not in one.draw()
    assert "NaN" not in one.draw()


def test_a_comparison_has_a_chart_for_each_metric_in_the_colors_of_verdicts() -> None:
    result = compared(everything().study())
    names = {one.name for one in formats.charts_of(result)}
    assert {"comparison-throughput", "comparison-speedup", "comparison-latency-p99"} <= names
    one = chart(result, "comparison-throughput")
    colors = {mark.get("fill") for mark in marks(drawn(one), "symbol")}
    verdicts = {row.verdict for row in result.rows if row.metric == "throughput"}
    assert {style.VERDICTS[verdict] for verdict in verdicts} >= colors - {None}


def test_a_lasting_change_is_a_rule_with_a_band_and_in_the_table() -> None:
    trends = history()
    (change,) = trends.changes
    one, other = formats.charts_of(trends)
    assert [row[4] for row in rows(one)].count("-") == len(rows(one)) - 1
    assert rows(one)[change.change.at][4] == "regressed -8.9%"
    assert {style.VERDICTS["regressed"]} == {mark.get("fill") for mark in marks(drawn(one), "rect")}
    assert style.VERDICTS["regressed"] in {mark.get("stroke") for mark in marks(drawn(one), "rule")}
    assert (change.likely.commit or "")[:9] in texts(drawn(one))
    assert "lasting changes" in one.summary
    assert "lasting changes" not in other.summary
    assert not list(marks(drawn(other), "rect"))


def test_a_change_before_the_first_point_is_not_drawn() -> None:
    trends = history()
    ((series, points), *_) = trends.series
    late = trends._replace(series=((series, points[-5:]),))
    (one,) = formats.charts_of(late)
    assert {row[4] for row in rows(one)} == {"-"}
    assert not list(marks(drawn(one), "rect"))


def test_a_check_shows_each_comparison_once() -> None:
    known = [
        checks.row("regressed"),
        checks.row("equivalent", workload="sha256"),
        checks.row("improved", threads=4),
    ]
    found = formats.charts_of(checks.check(*known))
    assert [one.name for one in found] == ["comparison-throughput"]
    assert len(rows(found[0])) == 3
    assert "2.0%" in found[0].summary


def with_stacks(profile: Profile) -> Profile:
    frames = ("main (app.py:1)", "parse (app.py:20)", "decode (json.py:3)")
    found = (
        Stack(tid=101, thread="crunch", frames=frames, samples=60),
        Stack(tid=101, thread="crunch", frames=frames[:2], samples=30),
        Stack(tid=102, thread="other", frames=frames[:1], samples=10),
    )
    curve = (Replayed(cores=2, speedup=1.4), Replayed(cores=4, speedup=1.9))
    return msgspec.structs.replace(profile, stacks=found, what_if=WhatIf(cores=2, bound=2.0, curve=curve))


def test_a_profile_has_charts_of_threads_waits_stacks_and_cpus() -> None:
    found = formats.charts_of(with_stacks(profiles.contended()))
    assert [one.name for one in found] == [
        "threads",
        "waits-by-holder",
        "waits",
        "flame",
        "flame-waits",
        "without-gil",
    ]


def test_a_recorded_profile_has_a_lane_for_each_thread_that_wanted_the_gil() -> None:
    course = gil_run([("python", 60 * MS), ("sleep", 40 * MS)], [("native", 50 * MS), ("python", 70 * MS)])
    one = chart(interpret(course.profile(), 2, events=course.events), "lanes")
    areas = list(marks(drawn(one), "area"))
    assert {area.get("fill") for area in areas} == {style.HELD, style.WAIT, style.OFF, style.BLOCKED}
    assert len(areas) == 4 * len(rows(one)) == 8


def test_lanes_of_events_tell_how_many_there_are_and_where_they_end() -> None:
    course = gil_run([("python", 60 * MS)], [("python", 70 * MS)])
    profile = interpret(course.profile(), 2, events=course.events)
    count = len(course.events.stamps)
    assert f"each of {count} events" in chart(RecordedProfile(profile, course.events), "lanes").summary
    assert "events" not in chart(profile, "lanes").summary
    cut = chart(RecordedProfile(profile, course.events._replace(truncated=True)), "lanes").summary
    assert "Only the first 130 ms were recorded." in cut


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("contended", {style.HELD, style.WAIT, style.OFF, style.BLOCKED}),
        ("free_threaded", {style.WAIT, style.STOPPED, style.OFF, style.BLOCKED}),
        ("sampled", {style.HELD}),
    ],
)
def test_a_state_has_its_color_in_every_profile(name: str, states: set[str]) -> None:
    one = chart(getattr(profiles, name)(), "threads")
    assert {mark.get("fill") for mark in marks(drawn(one), "rect")} == states


def test_a_heat_map_has_a_cell_for_each_pair_that_waited() -> None:
    one = chart(profiles.contended(), "waits-by-holder")
    assert len(list(marks(drawn(one), "rect"))) == len(rows(one)) == 4
    assert {row[2] for row in rows(one)} <= set(texts(drawn(one)))


def test_the_width_of_a_flame_is_its_share() -> None:
    one = chart(with_stacks(profiles.contended()), "flame")
    widths = {}
    for group in drawn(one).iter(f"{SVG}g"):
        title, rect = (group.find(f"{SVG}{tag}") for tag in ("title", "rect"))
        assert title is not None
        assert rect is not None
        widths[(title.text or "").partition(":")[0]] = float(rect.get("width", "0"))
    assert widths["all threads"] == pytest.approx(960, abs=1)
    assert widths["crunch"] == pytest.approx(0.9 * 960, abs=1)
    assert widths["decode (json.py"] == pytest.approx(0.6 * 960, abs=1)
    assert rows(one)[0] == ("decode (json.py:3)", "60.0", "60.0")
    assert rows(one)[1] == ("parse (app.py:20)", "30.0", "90.0")


def flame_titles(one: Chart) -> dict[str, str]:
    """The texts of the boxes of a flame graph, by their names."""
    titles = (group.find(f"{SVG}title") for group in drawn(one).iter(f"{SVG}g"))
    found = [title.text or "" for title in titles if title is not None]
    return {name: text for name, _, text in (title.rpartition(": ") for title in found)}


def test_stacks_that_others_waited_for_share_the_waits_for_their_threads() -> None:
    profile = with_stacks(profiles.contended())
    titles = flame_titles(chart(profile, "flame-waits"))
    # 5.06 s and 8.1 s for thread 101, 4.4 s and 1.23 s for 102; of the samples of 101, 60 in 90 are in decode.
    assert titles["all threads"] == "18.8 s, 100.0%"
    assert titles["crunch"].startswith("13.2 s, 70.0%")
    assert titles["decode (json.py:3)"].startswith("8.77 s, 46.7%")


def test_waits_for_a_thread_without_samples_are_kept() -> None:
    profile = with_stacks(profiles.contended())
    one = chart(msgspec.structs.replace(profile, stacks=profile.stacks[:2]), "flame-waits")
    assert flame_titles(one)["no sample of it with the GIL"].startswith("5.63 s, 30.0%")
    assert flame_titles(one)["all threads"] == "18.8 s, 100.0%"


def test_waits_for_threads_that_were_never_sampled_have_no_flame_graph() -> None:
    profile = with_stacks(profiles.contended())
    others = msgspec.structs.replace(profile, stacks=profile.stacks[:0])
    assert "flame-waits" not in {one.name for one in formats.charts_of(others)}


def test_functions_that_parked_are_below_those_of_python() -> None:
    profile = profiles.free_threaded()
    shares = (
        Share(name="fill (app.py:12) in PyDict_SetItem", value=0.6),
        Share(name="[stop-the-world]", value=0.3),
    )
    one = chart(msgspec.structs.replace(profile, functions=shares), "flame-parked")
    titles = flame_titles(one)
    assert titles["fill (app.py:12)"].startswith("2.59 s, 60.0%")
    assert titles["PyDict_SetItem"] == titles["fill (app.py:12)"]
    assert titles["other functions"].startswith("432 ms, 10.0%")


def test_boxes_for_a_script_are_few_and_the_widest() -> None:
    stacks = tuple(
        Stack(tid=1, thread="main", frames=(f"f{number} (app.py:{number})",), samples=1 + number)
        for number in range(60_000)
    )
    live = chart(msgspec.structs.replace(profiles.contended(), stacks=stacks), "flame").live
    assert live is not None
    values = live()
    weights = values["nodes"][1::3]
    assert len(weights) + values["leftOut"] == 60_002
    assert len(weights) <= 50_000
    assert min(weights) > 10_000 - 1


def test_lines_of_source_code_go_with_their_frames() -> None:
    profile = msgspec.structs.replace(
        with_stacks(profiles.contended()),
        sources=(
            SourceLine(frame="parse (app.py:20)", text="decode(\x1bline)"),
            SourceLine(frame="x", text="y"),
        ),
    )
    live = chart(profile, "flame").live
    assert live is not None
    values = live()
    ((number, text),) = values["sources"].items()
    assert values["names"][int(number)] == "parse (app.py:20)"
    assert text == "decode(\N{REPLACEMENT CHARACTER}line)"


def test_colors_are_those_of_the_palette() -> None:
    known = {value for name, value in vars(style).items() if name.isupper() and isinstance(value, str)}
    known |= {color for pair in style.SCORES.values() for color in pair} | {
        "none",
        "transparent",
        "currentColor",
    }
    for one in formats.charts_of(everything().report()):
        for element in drawn(one).iter():
            used = {element.get(name) for name in ("fill", "stroke")} - {None}
            assert used <= known, one.name


# --- files ----------------------------------------------------------------------------------------------


def study_file(folder: Path) -> str:
    return str(save(everything().study(), folder / "study.jsonl"))


def test_a_picture_has_a_title_and_the_size_of_its_chart(tmp_path: Path) -> None:
    svg, png = tmp_path / "chart.svg", tmp_path / "chart.png"
    command = ["report", study_file(tmp_path), "-o", str(svg), "-o", str(png), "--chart", "one-thread"]
    assert run(command) == 0
    root = parsed(svg.read_text("utf-8"))
    assert texts(root)[0] == "Single-thread speed relative to 3.11"
    with Image.open(png) as image:
        assert image.format == "PNG"
        assert image.size == tuple(round(2 * float(root.get(side, "0"))) for side in ("width", "height"))


def test_without_a_name_the_first_chart_is_written(tmp_path: Path) -> None:
    svg = tmp_path / "chart.svg"
    assert run(["report", study_file(tmp_path), "-o", str(svg), "--format", "json"]) == 0
    assert texts(parsed(svg.read_text("utf-8")))[0].startswith("Speedup of Python code")


def test_a_chart_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", study_file(tmp_path), "--format", "svg", "--chart", "kept"]) == 0
    assert "added threads" in " ".join(texts(parsed(capsys.readouterr().out)))


def test_an_unknown_chart_lists_those_that_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    svg = tmp_path / "chart.svg"
    other = tmp_path / "report.md"
    words = ["report", study_file(tmp_path), "-o", str(svg), "-o", str(other), "--chart", "scalling"]
    assert run(words) == 2
    said = capsys.readouterr()
    assert "Overview" in said.out  # what was measured is not lost
    assert other.stat().st_size > 0
    assert said.err.count("\n") == 1
    assert "'scalling'; use scaling-cpu, " in said.err
    assert not svg.exists()


def test_png_is_not_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", study_file(tmp_path), "--format", "png"]) == 2
    assert "unknown format 'png'" in capsys.readouterr().err


def test_a_result_without_charts_is_no_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    builder = StudyBuilder([named("3.13")], [make_workload()])
    builder.fail(builder.case("countdown", "3.13"))
    path = save(builder.study(), tmp_path / "failed.jsonl")
    assert run(["report", str(path), "-o", str(tmp_path / "chart.svg")]) == 2
    assert "has no chart" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = study_file(tmp_path)
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    assert run(["report", path, "-o", str(tmp_path / f"chart.{ending}")]) == 2
    assert "pip install 'gilbench[charts]'" in capsys.readouterr().err


# --- notebooks ------------------------------------------------------------------------------------------


def test_results_show_themselves_in_a_notebook(tmp_path: Path) -> None:
    import gilbench  # noqa: PLC0415

    study = gilbench.read(Path(study_file(tmp_path)))
    assert isinstance(study, Study)
    measured = gilbench.Measured(study=study, path=tmp_path, interrupted=False)
    shown = [one._repr_html_() for one in (study, gilbench.report(study), measured)]  # type: ignore[union-attr]
    assert shown[0] == shown[1] == shown[2]
    found = HtmlPage(shown[0])
    assert found.elements[0].tag == "div"
    assert found.all("figure")
    assert not {"html", "body", "script", "link"} & {element.tag for element in found.elements}


def test_what_a_notebook_shows_changes_no_json(tmp_path: Path) -> None:
    import gilbench  # noqa: PLC0415

    text = io.StringIO()
    gilbench.write(gilbench.report(gilbench.read(Path(study_file(tmp_path)))), "json", text)  # type: ignore[arg-type]
    assert "_repr_html_" not in text.getvalue()
    assert json.loads(text.getvalue())["kind"] == "study"
