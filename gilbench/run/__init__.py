"""Runs a plan: starts the workers, serves slices in turn, watches, and hands each finished run on."""
