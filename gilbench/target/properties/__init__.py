"""Trials of what a replacement of the GIL must have: one module for each kind, one function for each trial.

A function returns plain values and decides nothing; ``tester.py`` calls it. Where a finaliser is awaited, the wait has
an end: on some interpreters it never comes.
"""
