"""Probes of the GIL: exact, futex and sampled ones, and locks of free-threaded builds."""
