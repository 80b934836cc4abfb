"""Fingerprints of blocks of data, of which the last ones are remembered."""

import hashlib
import threading

_LOCK = threading.Lock()
_LAST = {}


def fingerprint(data):
    with _LOCK:
        _LAST[len(data)] = found = hashlib.sha256(data).hexdigest()
        return found
