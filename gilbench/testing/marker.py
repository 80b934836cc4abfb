"""The marker ``gilbench``: thread counts and interpreters to repeat a test with."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import pytest

MARKER = (
    "gilbench(threads=[1, 2, 4], python=['3.13', '3.13t']): repeat a test that uses the fixture gilbench with each "
    "number of threads and on each interpreter"
)


class Settings(NamedTuple):
    """What the marker sets for one repetition. None: the default."""

    threads: int | None = None
    python: str | None = None

    @property
    def name(self) -> str:
        """Its name in the node ID."""
        return "-".join(str(one) for one in (self.python, self.threads) if one is not None)


def settings_of(marker: pytest.Mark) -> list[Settings]:
    """Return one value for each repetition.

    Raises:
        ValueError: An argument of the marker is invalid.
    """
    unknown = [*map(repr, marker.args), *sorted(marker.kwargs.keys() - {"threads", "python"})]
    if unknown:
        raise ValueError(f"unknown argument {unknown[0]}; pass threads=[…] or python=[…]")
    counts, specs = (_several(marker.kwargs.get(name)) for name in ("threads", "python"))
    found = []
    for spec, count in itertools.product(specs, counts):
        if count is not None and (type(count) is not int or count < 1):
            raise ValueError(
                f"threads: {count!r} is not a number of threads; pass for example threads=[1, 2, 4]"
            )
        if spec is not None and not isinstance(spec, str):
            raise ValueError(f"python: {spec!r} is not a text; pass for example python=['3.13', '3.13t']")
        found.append(Settings(count, spec))
    return found


def _several(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        if not value:
            raise ValueError("a list is empty; pass at least one value")
        return list(dict.fromkeys(value))
    return [value]
