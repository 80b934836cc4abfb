"""Charts of results: one altair specification each, drawn as SVG before a page is written.

These modules import altair, which the extra ``charts`` installs. ``render.formats`` imports them on first use.
"""
