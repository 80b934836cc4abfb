"""Frozen values that pass between the rooms. Nothing here imports another part of gilbench."""
