"""Find all addresses and times in a log with a regular expression: one long C call that keeps the GIL.

The engine of ``re`` is C and never lets go of the GIL, and no other thread can interrupt it: a thread that
asks for the GIL waits until the whole search is over, whatever the switch interval says. Unit: searches of 40
lines. Source: the "regex" task of ccbench (A. Pitrou, CPython's Tools/ccbench), with a text and a pattern of
its own.
"""

import re

WORKLOAD = {
    "driver": "parallel",
    "unit": "searches",
    "parameters": {"lines": 40},
    "checksum": "30 user0 68",
}
PATTERN = r"([a-z]+[0-9]*)@([a-z]+(?:\.[a-z]+)+) .*?([0-2][0-9]):([0-5][0-9])\b"
HOSTS = ("alpha.example.org", "beta.example.org", "localhost", "gamma.test")


def prepare(parameters):
    return parameters["lines"]


def local(count, index):
    lines = [
        "%04d from user%d@%s after %d bytes, at %02d:%02d; done"
        % (number, number * 7 % 13, HOSTS[number % len(HOSTS)], number * 911, number % 24, number * 17 % 60)
        for number in range(count)
    ]
    return re.compile(PATTERN), "\n".join(lines)


def operation(state):
    pattern, text = state
    found = pattern.findall(text)
    return "%d %s %d" % (len(found), found[-1][0], sum(int(minute) for _, _, _, minute in found[::8]))
