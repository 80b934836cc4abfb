"""Compress and decompress 16 KiB with zlib: C code that releases the GIL while it computes.

``compress`` and ``decompress`` let go of the GIL on every CPython and on PyPy, so threads should use all
processors on every build. The compressed bytes differ from one zlib to the next (zlib-ng, Java's own), so the
checksum is taken of what comes back. Unit: round trips of 16 KiB. Source: CPython's Modules/zlibmodule.c.
"""

import zlib

WORKLOAD = {
    "driver": "parallel",
    "unit": "round trips",
    "parameters": {"size": 16384, "level": 1},
    "checksum": "659367924",
}


def prepare(parameters):
    lines = []
    size = parameters["size"]
    for number in range(size // 16):
        lines.append("%d of %x, " % (number, number * number))
    return "".join(lines).encode("ascii")[:size], parameters["level"]


def operation(state):
    data, level = state
    return zlib.crc32(zlib.decompress(zlib.compress(data, level))) & 0xFFFFFFFF


def backend():
    """The library that does the work."""
    return "zlib %s" % getattr(
        zlib, "ZLIB_RUNTIME_VERSION", getattr(zlib, "ZLIB_VERSION", "of unknown version")
    )
