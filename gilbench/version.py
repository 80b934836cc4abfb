"""The version of gilbench."""

__version__ = "0.1.0"
