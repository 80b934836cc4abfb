"""The user's own code, as a user asks for it to be measured."""

from __future__ import annotations

from gilbench.model.study import Struct


class OwnCall(Struct, frozen=True):
    """A function or a statement to repeat."""

    code: str  # package.module:function, or a statement
    arguments: tuple[str, ...] = ()  # of a function: NAME=VALUE[,VALUE...]; positions are names, too, from 1
    setup: str = ""  # source that runs first, once per thread
    shared: bool = False  # the setup runs once per process instead, and all threads use its objects
    path: tuple[str, ...] = ()  # folders to import from; empty: the current one
    name: str | None = None  # in tables; None: that of the function, or "statement"
