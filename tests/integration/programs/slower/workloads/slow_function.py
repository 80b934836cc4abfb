"""Parses records. Unit: batches. Source: this test."""

import parsing

WORKLOAD = {"driver": "parallel", "family": "cpu", "unit": "batches", "threads": [1]}


def prepare(parameters):
    return [",".join(str(number * 7919) for number in range(20))] * 20


def operation(lines):
    return parsing.parse(lines)
