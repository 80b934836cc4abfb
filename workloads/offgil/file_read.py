"""Read 1 MiB of a file that is in the page cache: one system call that releases the GIL.

No disk is waited for; the kernel copies memory, which takes a processor, and all of it happens without the
GIL. Each thread reads a file of its own into a buffer of its own. The files have no name any more once they
are open, so nothing is left behind. Unit: reads of 1 MiB. Source: D. Beazley, "Inside the Python GIL", 2009
(the GIL is released around blocking calls, whether or not they block).
"""

import io
import os
import tempfile

WORKLOAD = {
    "driver": "parallel",
    "unit": "reads",
    "parameters": {"size": 1048576},
    "checksum": "1048831",
}


def prepare(parameters):
    return parameters["size"]


def local(size, index):
    descriptor, path = tempfile.mkstemp()
    os.close(descriptor)
    raw = io.FileIO(path, "w+")
    os.unlink(path)
    raw.write(bytearray(range(256)) * (size // 256))
    return raw, bytearray(size)


def operation(state):
    raw, buffer = state
    buffer[-1] = 0
    raw.seek(0)
    read = raw.readinto(buffer)
    return read + buffer[0] + buffer[-1]
