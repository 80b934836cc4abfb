from __future__ import annotations

from studies import StudyBuilder, make_workload, named

from gilbench.render.formats import page_of
from gilbench.render.page import Plot


def plots(*threads: int) -> list[Plot]:
    builder = StudyBuilder([named("3.13"), named("3.13t", free_threaded=True)], [make_workload()])
    for interpreter, gain in (("3.13", 0.0), ("3.13t", 0.9)):
        for count in threads:
            builder.work("countdown", interpreter, 100.0 * (1 + gain * (count - 1)), threads=count)
    return [part for part in page_of(builder.report()).parts if isinstance(part, Plot)]


def test_speedups_of_several_numbers_of_threads_are_a_plot_with_intervals() -> None:
    (plot,) = plots(1, 2, 4, 8)
    assert plot.title == "countdown: speedup over one thread, by threads"
    assert list(plot.series) == ["3.13", "3.13t"]
    for points in plot.series.values():
        assert [point[0] for point in points] == [1, 2, 4, 8]
        assert points[0] == (1, 1)
        assert all(low <= y <= high for _, y, low, high in points[1:])


def test_two_speedups_are_no_plot() -> None:
    assert plots(1, 2, 4) == []
    assert plots(1) == []
