"""Grows trees. Unit: trees. Source: this test."""

import trees

WORKLOAD = {"driver": "parallel", "family": "cpu", "unit": "trees", "threads": [1]}


def prepare(parameters):
    return 8


def operation(depth):
    return trees.grow(depth).depth
