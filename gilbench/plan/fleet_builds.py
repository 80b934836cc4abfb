"""Decides whether the builds of two hosts can be the same interpreter of a study."""

from __future__ import annotations

from gilbench.model.study import Build


def alike(build: Build, other: Build) -> bool:
    """Return whether two builds are of the same implementation, version, and kind.

    Compiler flags may differ between hosts: what a study over hosts estimates includes that difference.
    """
    return _kind(build) == _kind(other)


def _kind(build: Build) -> tuple[object, ...]:
    return (
        build.implementation,
        build.version,
        build.version_info,
        build.implementation_version,
        build.free_threaded,
        build.debug,
        build.jit_kind,
    )
