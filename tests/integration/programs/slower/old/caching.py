"""Fingerprints of blocks of data."""

import hashlib


def fingerprint(data):
    return hashlib.sha256(data).hexdigest()
