"""Write a small document as JSON: C code that calls back into Python objects and keeps the GIL.

What a web service does with each answer. Unit: documents of 20 records. Source: "json_dumps" of
pyperformance, with a document of its own.
"""

import binascii
import json

WORKLOAD = {
    "driver": "parallel",
    "unit": "documents",
    "parameters": {"records": 20},
    "checksum": "3229345012",
}


def prepare(parameters):
    return parameters["records"]


def local(count, index):
    records = [
        {
            "id": number,
            "name": "record %d" % number,
            "tags": ["red", "green", "blue"][: number % 4],
            "size": {"width": number * 3, "height": number * 5},
            "ratio": number / 4.0,  # quarters are written alike everywhere
            "note": None if number % 2 else 'a "quoted" word and a \\ backslash',
            "done": number % 3 == 0,
        }
        for number in range(count)
    ]
    encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
    return encoder, {"records": records, "count": len(records)}


def operation(state):
    encoder, document = state
    text = encoder.encode(document)
    return binascii.crc32(text.encode("ascii")) & 0xFFFFFFFF
