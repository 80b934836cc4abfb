"""Writes one chart of a page as SVG or PNG, with its title and how to read it, on a white background."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, TextIO

from gilbench.render.charts.chart import Chart
from gilbench.render.charts.svg import alone, png
from gilbench.render.page import Page


def write_svg(_page: Page, charts: Sequence[Chart], file: TextIO) -> None:
    """Write the first chart as SVG."""
    file.write(_drawn(charts[0]))


def write_png(_page: Page, charts: Sequence[Chart], file: BinaryIO) -> None:
    """Write the first chart as PNG."""
    file.write(png(_drawn(charts[0])))


def _drawn(chart: Chart) -> str:
    return alone(chart.draw(), chart.title, chart.summary)
