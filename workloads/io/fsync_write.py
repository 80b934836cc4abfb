"""Write 4 KiB to a file of the thread's own and wait until the disk has it.

The longest wait for the kernel that a program makes on purpose, and the GIL is free meanwhile: threads should
add up to what the disk can do on every build. In ``folder`` (on a disk, not in memory; its default is the
/var/tmp, where there is one). Unit: writes. Source: the fsync test of PostgreSQL's pg_test_fsync.
"""

import os
import tempfile

WORKLOAD = {
    "driver": "parallel",
    "unit": "writes",
    "parameters": {"size": 4096, "folder": ""},
    "checksum": "4096",
}


DISK = "/var/tmp"  # noqa: S108 - unlike /tmp never in memory; the files have no name there


def prepare(parameters):
    folder = parameters["folder"] or (DISK if os.path.isdir(DISK) else None)
    return b"x" * parameters["size"], folder


def local(shared, index):
    data, folder = shared
    return tempfile.TemporaryFile(dir=folder), data


def operation(state):
    output, data = state
    output.seek(0)
    output.write(data)
    output.flush()
    os.fsync(output.fileno())
    return output.tell()
