"""Interpreters: find, ask, select, build, and install them."""

from gilbench.interpreters.find import find_all
from gilbench.interpreters.select import Selection, is_known, select

__all__ = ["Selection", "find_all", "is_known", "select"]
