"""Statistics over blocks, independent of workloads and interpreters."""
