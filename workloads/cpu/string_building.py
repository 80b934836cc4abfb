"""Build a page of text from pieces: formatting, joining, replacing, splitting.

Holds the GIL all the time: short C calls, and many short-lived strings. Unit: pages of 100 lines. Source: the
string tasks of pybench (CPython's Tools/pybench up to 3.6), re-thought.
"""

import binascii

WORKLOAD = {
    "driver": "parallel",
    "unit": "pages",
    "parameters": {"lines": 100},
    "checksum": "4243903521",
}


def prepare(parameters):
    return parameters["lines"]


def operation(lines):
    page = []
    for number in range(lines):
        line = "<li>%d: %s</li>" % (number, "item " + str(number * number))
        page.append(line.upper() if number % 5 == 0 else line.replace("item", "entry"))
    text = "\n".join(page)
    words = text.split()
    return binascii.crc32(" ".join(reversed(words)).encode("ascii")) & 0xFFFFFFFF
