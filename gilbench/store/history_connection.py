"""A connection to PostgreSQL that is lost if the server stays silent.

A host that keeps a connection alive but whose server hangs answers keepalives, so neither TCP nor libpq notices.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import waiting
from psycopg.rows import TupleRow

if TYPE_CHECKING:
    from psycopg.abc import PQGen

SILENCE = 120.0  # s without any answer after which a connection is lost
_T = TypeVar("_T")


class Connection(psycopg.Connection[TupleRow]):
    """A connection that ends if a request gets no byte of an answer for ``SILENCE`` s."""

    def wait(self, gen: PQGen[_T], *args: Any, **options: Any) -> _T:
        """Wait for the answer to a request.

        Raises:
            OperationalError: The server stayed silent, and the connection is closed.
        """
        return super().wait(self._heard(gen), *args, **options)

    def _heard(self, gen: PQGen[_T]) -> PQGen[_T]:
        """Yield what a generator waits for, and send it what is ready: nothing at each interval of the wait."""
        try:
            wanted = next(gen)
            last = time.monotonic()
            while True:
                ready = yield wanted
                if ready != waiting.Ready.NONE:
                    last = time.monotonic()
                elif time.monotonic() - last > SILENCE:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"the server did not answer for {SILENCE:g} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            result: _T = end.value
            return result
