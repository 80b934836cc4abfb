"""A journal in a file, of which no entry may be lost in a buffer."""

import tempfile


def create():
    return tempfile.TemporaryFile(buffering=0)


def record(file, entries):
    file.seek(0)
    for entry in entries:
        file.write(entry)
    file.flush()
