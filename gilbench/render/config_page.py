"""The page of the options that are in force without a command line."""

from __future__ import annotations

import itertools

import msgspec

from gilbench.model.listings import Defaults, OptionValue
from gilbench.render.page import Column, Page, Section, Table, Text


def config_page(defaults: Defaults) -> Page:
    """List options by command, with their values and where these come from."""
    groups = itertools.groupby(defaults.settings, key=lambda one: one.command)
    table = Table(
        title="",
        columns=(
            Column("option", "left"),
            Column("value", "left", folds=True),
            Column("from", "left", folds=True),
        ),
        sections=tuple(
            Section(tuple((one.option, _value(one), one.key or "default") for one in rows), command)
            for command, rows in groups
        ),
    )
    lead = (
        f"Options from {defaults.file}"
        if defaults.file
        else "No file sets options: there is no gilbench.toml, and no pyproject.toml with [tool.gilbench]."
    )
    return Page(
        title="",
        lead=(Text(lead, "strong"),),
        parts=(table,) if defaults.settings else (),
        document={"kind": "configuration", **msgspec.to_builtins(defaults)},
        rows=map(msgspec.to_builtins, defaults.settings),
    )


def _value(setting: OptionValue) -> str:
    value = setting.value
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
