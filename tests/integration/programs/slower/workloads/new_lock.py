"""Fingerprints blocks. Unit: blocks. Source: this test."""

import caching

WORKLOAD = {"driver": "parallel", "family": "offgil", "unit": "blocks", "threads": [2]}


def prepare(parameters):
    return b"x" * 400000


def operation(data):
    return caching.fingerprint(data)
