"""gilbench: benchmark and profile the real CPython GIL."""

__version__ = "0.1.0"
