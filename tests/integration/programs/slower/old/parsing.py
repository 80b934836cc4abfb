"""A parser of records: one function splits, the other one converts."""


def split(line):
    return line.split(",")


def convert(fields):
    total = 0
    for field in fields:
        total += int(field)
    return total


def parse(lines):
    return sum(convert(split(line)) for line in lines)
