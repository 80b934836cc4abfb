"""The values that ``gilbench workloads`` and ``gilbench pythons`` list."""

from __future__ import annotations

from typing import Literal

from gilbench.model.study import Interpreter, Struct, Unusable, Workload


class Catalogue(Struct, frozen=True):
    """Workloads, in the order of their families."""

    workloads: tuple[Workload, ...]


class WorkloadTest(Struct, frozen=True):
    """The result of testing a workload on one interpreter."""

    workload: str
    interpreter: str
    outcome: Literal["ok", "failed", "unsupported", "too short", "too long"]
    detail: str  # the reason, or the checksum if ``outcome`` is ok
    operation: float | None = None  # s per operation, with the fewest threads


class WorkloadTests(Struct, frozen=True):
    """Workloads tested on interpreters."""

    tests: tuple[WorkloadTest, ...]


class Pythons(Struct, frozen=True):
    """The interpreters of this machine."""

    interpreters: tuple[Interpreter, ...]
    unusable: tuple[Unusable, ...]


class OptionValue(Struct, frozen=True):
    """An option of a command that has a value without the command line."""

    command: str  # for example "history show"
    option: str  # long name without dashes
    value: str | float | bool | tuple[str, ...] | None  # None: the option has no default
    file: str | None = None  # where the value comes from; None: the default
    key: str | None = None  # in that file: tool.gilbench.check.strict


class Defaults(Struct, frozen=True):
    """The options that are in force without a command line."""

    file: str | None  # the file that configures gilbench; None: there is none
    settings: tuple[OptionValue, ...]
