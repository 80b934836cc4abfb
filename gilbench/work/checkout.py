"""Asks git for a revision of the checkout in the current folder."""

from __future__ import annotations

import os
from typing import NamedTuple

from gilbench.host.capture import capture
from gilbench.host.environment import clean_environment
from gilbench.host.process import ProcessError

# A repository's configuration can name programs. With these options, git runs none of them and fetches nothing.
_HARMLESS = {
    "log.showSignature": "false",  # otherwise, gpg.program runs
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "protocol.allow": "never",
}


class Checkout(NamedTuple):
    """The git checkout in the current folder."""

    commit: str | None = None
    committed: str | None = None
    branch: str | None = None


def read_checkout(revision: str | None) -> Checkout:
    """Ask git for a revision; None: HEAD. Outside a checkout, nothing is known."""
    about = _git(
        "show",
        "-s",
        "--no-show-signature",
        "--format=%H %cI",
        "--end-of-options",
        f"{revision or 'HEAD'}^{{commit}}",
        "--",
    )
    if about is None:
        return Checkout()
    branch = _git("symbolic-ref", "--short", "-q", "HEAD") if revision is None else None
    commit, committed = about.split(" ", 1)
    return Checkout(commit, committed, branch)


def _git(*arguments: str) -> str | None:
    options = [word for name, value in _HARMLESS.items() for word in ("-c", f"{name}={value}")]
    environment = clean_environment({"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"})
    try:
        git = capture(["git", "--no-pager", *options, *arguments], seconds=10, env=environment)
    except ProcessError:  # not installed
        return None
    return git.stdout.strip() if git.status == 0 else None
