"""From a request to a plan: the catalogue of workloads, axes, cases, blocks, and experiments."""
