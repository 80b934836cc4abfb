"""Writing to pipes."""

import os

import facts


def _write_through(descriptor, data):
    written = os.write(descriptor, data)
    os.fsync(descriptor)
    return written


# IronPython's os.write leaves the data in a buffer of .NET until fsync, which elsewhere refuses a pipe.
write = _write_through if facts.DOTNET else os.write
