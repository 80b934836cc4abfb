"""Writes a journal. Unit: batches. Source: this test."""

import journal

WORKLOAD = {"driver": "parallel", "family": "io", "unit": "batches", "threads": [1]}


def prepare(parameters):
    return journal.create(), [b"an entry of the journal\n"] * 100


def operation(state):
    journal.record(*state)
    return 100
