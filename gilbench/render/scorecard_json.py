"""The scorecard as one JSON object: lists ``claims`` and ``properties`` of flat rows, and where it was measured."""

from __future__ import annotations

from gilbench.render.guard import json_text
from gilbench.scores import Scorecard, flat

SCHEMA = 1


def render_scorecard_json(card: Scorecard) -> str:
    """Write a scorecard for programs. A figure or limit that is infinite is null."""
    document = {
        "schema": SCHEMA,
        "gilbench": card.header.gilbench,
        "created": card.header.created,
        "host": card.header.host,
        "interpreters": card.header.interpreters,
        "claims": [flat(score) for score in card.claims],
        "properties": [flat(score) for score in card.properties],
    }
    return json_text(document)
