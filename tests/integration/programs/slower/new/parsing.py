"""A parser of records: splits by hand, so that fields can be quoted one day."""


def convert(fields):
    total = 0
    for field in fields:
        total += int(field)
    return total


def split(line):
    fields, field = [], ""
    for character in line:
        if character == ",":
            fields.append(field)
            field = ""
        else:
            field += character
    fields.append(field)
    return fields


def parse(lines):
    return sum(convert(split(line)) for line in lines)
