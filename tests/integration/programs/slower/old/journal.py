"""A journal in a file."""

import tempfile


def create():
    return tempfile.TemporaryFile()


def record(file, entries):
    file.seek(0)
    for entry in entries:
        file.write(entry)
    file.flush()
