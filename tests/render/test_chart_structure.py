"""Every chart of the reference results: what it is made of, as before, and that its picture shows something."""

from __future__ import annotations

import functools
import io
import json

import pytest
from charted import RESULTS
from drawings import parsed, structure
from golden import compare
from PIL import Image

from gilbench.render import formats
from gilbench.render.charts.chart import Chart

COLORS = 8  # fewer are no chart


@functools.cache
def charts(name: str) -> dict[str, tuple[Chart, str]]:
    """The charts of a result with their drawings."""
    return {chart.name: (chart, chart.draw()) for chart in formats.charts_of(RESULTS[name]())}


@pytest.mark.parametrize("name", RESULTS)
def test_each_chart_has_the_same_marks_axes_legends_and_labels_as_before(name: str, regenerate: bool) -> None:
    made = {
        chart: {"title": one.title, "rows": len(one.table.sections[0].rows), **structure(svg)}
        for chart, (one, svg) in charts(name).items()
    }
    compare(f"charts/{name}.json", json.dumps(made, indent=1, ensure_ascii=False), regenerate=regenerate)


@pytest.mark.parametrize("name", RESULTS)
def test_each_picture_has_the_size_of_its_drawing_and_is_not_empty(name: str) -> None:
    result = RESULTS[name]()
    for chart in charts(name):
        svg, png = (formats.content_of(result, form, chart) for form in ("svg", "png"))
        assert isinstance(svg, str)
        assert isinstance(png, bytes)
        with Image.open(io.BytesIO(png)) as image:
            sides = [2 * float(parsed(svg).get(side, "0")) for side in ("width", "height")]
            assert image.size == pytest.approx(sides, abs=1), chart
            colors = image.convert("RGB").getcolors(image.width * image.height)
            assert colors is not None
            assert len(colors) > COLORS, chart
            assert max(count for count, _ in colors) < image.width * image.height, chart


def test_every_kind_of_result_with_charts_is_among_them() -> None:
    kinds = {type(make()).__name__ for make in RESULTS.values()}
    # A check has the charts of its comparison, a recorded profile those of its profile.
    assert kinds == {*formats.CHARTS} - {"Check", "RecordedProfile"}
