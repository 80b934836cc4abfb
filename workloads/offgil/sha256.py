"""Hash 256 KiB with SHA-256: C code that releases the GIL while it computes.

hashlib over OpenSSL lets go of the GIL for inputs above 2 047 bytes, so threads should use all processors on
every build. An old interpreter built without OpenSSL falls back on a module of its own that keeps the GIL.
Unit: hashes of 256 KiB. Source: hashlib's documentation; tenthousandmeters.com, part 13.
"""

import hashlib

WORKLOAD = {
    "core": True,
    "driver": "parallel",
    "unit": "hashes",
    "parameters": {"size": 262144},
    "checksum": "8a39d2abd3999ab73c34db2476849cddf303ce389b35826850f9a700589b4a90",
}


def prepare(parameters):
    return b"\x00" * parameters["size"]


def operation(data):
    return hashlib.sha256(data).hexdigest()


def backend():
    """Which module of the interpreter does the work."""
    return hashlib.sha256.__module__
