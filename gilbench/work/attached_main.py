"""Profiles the process that started it until it gets SIGINT: ``python -m … attached_main REQUESTS REPLIES``."""

from __future__ import annotations

import sys
from typing import Any, BinaryIO

import msgspec

from gilbench.model.errors import GilbenchError
from gilbench.work.listener import ProfileListener
from gilbench.work.profile import ProfileRequest, profile


class _Attached(ProfileListener):
    """Answers when the probes are in place."""

    def __init__(self, replies: BinaryIO) -> None:
        self._replies = replies

    def watching(self) -> None:
        """Answer the request."""
        _answer(self._replies, {"ok": {}})


def _answer(replies: BinaryIO, message: dict[str, Any]) -> None:
    replies.write(msgspec.json.encode(message) + b"\n")
    replies.flush()


def main() -> None:
    """Serve one profile."""
    with open(int(sys.argv[1]), "rb") as requests, open(int(sys.argv[2]), "wb") as replies:
        request = msgspec.json.decode(requests.readline(), type=ProfileRequest)
        try:
            found = profile(request, _Attached(replies)).profile
        except GilbenchError as error:
            _answer(replies, {"error": {"kind": "refused", "message": " ".join(str(error).splitlines())}})
        else:
            _answer(replies, {"ok": msgspec.to_builtins(found)})


if __name__ == "__main__":
    main()
