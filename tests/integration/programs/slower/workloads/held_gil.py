"""Digests messages. Unit: messages. Source: this test."""

import digesting

WORKLOAD = {"driver": "parallel", "family": "offgil", "unit": "messages", "threads": [2]}


def prepare(parameters):
    return b"x" * 400000


def operation(data):
    return digesting.digest(data)
