"""Renderers: they get analysed figures and only write them down."""
