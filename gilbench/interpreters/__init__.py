"""Interpreters: find, ask, select, build, and install them."""

from gilbench.interpreters.find import find_all
from gilbench.interpreters.select import Selection, is_known, select, start
from gilbench.interpreters.spec import parse_environment, parse_spec

__all__ = ["Selection", "find_all", "is_known", "parse_environment", "parse_spec", "select", "start"]
