"""The reference of a configuration: the GIL-enabled CPython of the same version."""

from __future__ import annotations

from collections.abc import Sequence

from gilbench.model.scores import Configuration


def reference_of(
    configuration: Configuration, configurations: Sequence[Configuration]
) -> Configuration | None:
    """Return the reference of a configuration: itself if it is a GIL-enabled CPython, None if there is none.

    Of several, the one of the same micro version is preferred, else the first.
    """
    build = configuration.interpreter.build
    if build.implementation == "CPython" and not build.free_threaded:
        return configuration
    fitting = [
        one
        for one in configurations
        if one.interpreter.build.implementation == "CPython"
        and not one.interpreter.build.free_threaded
        and one.interpreter.build.version_info[:2] == build.version_info[:2]
    ]
    same = [one for one in fitting if one.interpreter.build.version_info == build.version_info]
    return next(iter(same or fitting), None)


def without_reference(configuration: Configuration) -> str:
    """Return why a configuration has no reference, and the remedy."""
    major, minor, _ = configuration.interpreter.build.version_info
    return f"no GIL-enabled CPython {major}.{minor} to compare with: add --python {major}.{minor}"
