"""Writes the JSON schemas of all documents to ``gilbench/schemas/``: ``python ci/schemas.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from gilbench.model.documents import DOCUMENTS, LINES

FOLDER = Path(__file__).parents[1] / "gilbench/schemas"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_LINES = "JSON Lines: the schema of each line. The first line has the kind study, each other line is a run or a host."


def schema_of(name: str) -> str:
    """Return the JSON schema of a document as a text."""
    schema: dict[str, Any] = {"$schema": _DIALECT, "title": f"gilbench {name}"}
    if name in LINES:
        schema["description"] = _LINES
    schema |= msgspec.json.schema(DOCUMENTS[name])
    encoded = msgspec.json.encode(schema, order="deterministic")
    return f"{msgspec.json.format(encoded, indent=1).decode()}\n"


def main() -> None:
    """Write the files, and remove those of documents that are gone."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.json"):
        path.unlink()
    for name in DOCUMENTS:
        FOLDER.joinpath(f"{name}.json").write_text(schema_of(name), "utf-8")


if __name__ == "__main__":
    main()
