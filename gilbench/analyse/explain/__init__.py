"""Explains a regression from observed runs of both sides: quantities per operation, their differences, the causes."""
