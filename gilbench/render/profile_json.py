"""A profiled program as one JSON object, its threads flat."""

from __future__ import annotations

from typing import Any

import msgspec

from gilbench.program import ProgramProfile
from gilbench.render.guard import json_text

SCHEMA = 1


def render_profile_json(profile: ProgramProfile) -> str:
    """Write a profile for programs: the fields of ``program.ProgramProfile`` by their names.

    Times are seconds, sizes bytes, shares fractions of the wall time; what is not known is null.
    """
    document: dict[str, Any] = {"schema": SCHEMA, **msgspec.to_builtins(profile)}
    return json_text(document)
