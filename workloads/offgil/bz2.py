"""Compress 4 KiB with bz2: C code that releases the GIL while it computes.

The compressor lets go of the GIL on every CPython and holds a lock of its own instead, one per compressor.
The checksum is taken of the compressed bytes, which the format fixes. Unit: blocks of 4 KiB. Source: the
"bz2" task of ccbench (A. Pitrou, CPython's Tools/ccbench).
"""

import bz2
import zlib

WORKLOAD = {
    "driver": "parallel",
    "unit": "blocks",
    "parameters": {"size": 4096, "level": 1},
    "checksum": "1232207248",
}


def prepare(parameters):
    lines = []
    size = parameters["size"]
    for number in range(size // 16):
        lines.append("%d of %x, " % (number, number * number))
    return "".join(lines).encode("ascii")[:size], parameters["level"]


def operation(state):
    data, level = state
    return zlib.crc32(bz2.decompress(bz2.compress(data, level))) & 0xFFFFFFFF
