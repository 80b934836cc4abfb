"""Aggregate 1 000 rows with SQLite, each thread in a database in memory of its own.

``sqlite3`` releases the GIL around each call into SQLite, on every CPython and on PyPy. One row comes back,
so nearly all of an operation is one call without the GIL; what is left to share are SQLite's own locks (of
its allocator). Unit: queries of 1 000 rows. Source: sqlite3's source (Modules/_sqlite); the usual advice that
databases work well with threads.
"""

import sqlite3

WORKLOAD = {
    "driver": "parallel",
    "unit": "queries",
    "parameters": {"rows": 1000},
    "checksum": "857 20951065 1006",
}
QUERY = "SELECT COUNT(*), SUM(size * weight), MAX(size - weight) FROM items WHERE size % 7 <> ?"


def prepare(parameters):
    return parameters["rows"]


def local(rows, index):
    # The connection is used by one thread at a time, but made by another.
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.execute("CREATE TABLE items (size INTEGER, weight INTEGER)")
    items = [(number * 37 % 1009, number % 101) for number in range(rows)]
    connection.executemany("INSERT INTO items VALUES (?, ?)", items)
    connection.commit()
    return connection


def operation(connection):
    return "%d %d %d" % connection.execute(QUERY, (3,)).fetchone()


def backend():
    """The library that does the work."""
    return "SQLite %s" % sqlite3.sqlite_version
