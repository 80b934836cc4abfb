"""This machine: processes, the description of the host, noise, placement, and trust in files."""
