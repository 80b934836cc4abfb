"""Experiments on what a replacement of the GIL must have: one module for each kind, one function for each experiment.

A function returns plain values and decides nothing; ``tester.py`` calls it. Waiting for a finalizer has a timeout: on
some interpreters it never runs.
"""
