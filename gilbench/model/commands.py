"""A command, as a user asks for it to be measured."""

from __future__ import annotations

from gilbench.model.study import Struct


class CommandRequest(Struct, frozen=True):
    """Commands to compare, and how each is run. A text is split like a shell does; ``arguments`` are already split."""

    arguments: tuple[
        str, ...
    ] = ()  # of the only command; {python}, {threads}, {port}, and {NAME} are replaced
    commands: tuple[str, ...] = ()  # instead, several commands
    shell: bool = False  # /bin/sh runs them
    prepare: str | None = None  # before each run, not timed
    cleanup: str | None = None  # after the runs of each block, not timed
    ready: str | None = None  # the command is a server, and ready at: port NUMBER, line REGEX, file PATH
    load: str | None = None  # the command to time while the server runs
    input: str | None = None  # file for stdin; None: stdin is empty
    warmup: int = 0  # runs at the start of each block that are not timed
    timeout: str = "5m"  # longest run
    ignore_failure: bool = False  # any exit status is a success
    runs: int | None = None  # of each case; None: by the effort level
