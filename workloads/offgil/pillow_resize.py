"""Shrink a picture to a quarter of its width and height with Pillow: C code that releases the GIL.

What many a web service does in threads. Pillow lets go of the GIL while it resamples. Releases before 11.0 do
not know free-threaded builds, and importing them there switches the GIL back on. Each 4 x 4 block of the
picture has one colour, so that every version must give the same small picture. Unit: pictures of 256 x 256.
Source: Pillow's release notes (11.0, free-threading); the usual thumbnail service.
"""

import binascii

import PIL
from PIL import Image

WORKLOAD = {
    "driver": "parallel",
    "unit": "pictures",
    "parameters": {"side": 256},
    "checksum": "1697590015",
    "requires": ["PIL"],
}


def prepare(parameters):
    return parameters["side"] // 4


def local(small, index):
    colours = bytes(bytearray((7 * i + i // small) % 256 for i in range(small * small)))
    picture = Image.frombytes("L", (small, small), colours)
    return picture.resize((4 * small, 4 * small), Image.NEAREST).convert("RGB"), (small, small)


def operation(state):
    picture, size = state
    return binascii.crc32(picture.resize(size, Image.BOX).tobytes()) & 0xFFFFFFFF


def backend():
    """The library that does the work."""
    return "Pillow %s" % PIL.__version__
