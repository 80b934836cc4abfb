"""A digest of a message."""

import hashlib


def digest(data):
    return hashlib.sha256(data).hexdigest()
