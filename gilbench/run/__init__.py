"""Runs plans and experiments: workers, the load generator, and the session that interleaves slices."""
