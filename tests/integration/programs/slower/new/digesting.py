"""A digest of a message, in pieces: hashlib keeps the GIL for fewer than 2048 bytes."""

import hashlib

PIECE = 2000


def digest(data):
    found = hashlib.sha256()
    for start in range(0, len(data), PIECE):
        found.update(data[start : start + PIECE])
    return found.hexdigest()
