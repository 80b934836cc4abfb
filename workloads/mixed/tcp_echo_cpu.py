"""tcp_echo while N threads count down: the convoy effect.

After each system call the serving thread must ask for the GIL again and waits one switch interval for every
thread that computes. Taken: closed-loop throughput, and latency of requests that are sent on a schedule
(``rate`` per second, Poisson) whether or not the last one came back. Unit: requests. Source: bpo-7946.
"""

WORKLOAD = {
    "core": True,
    "driver": "service",
    "foreground": "tcp_echo",
    "peer": "tcp",
    "unit": "requests",
    "parameters": {"background": "countdown", "rate": 40},
    "quiet_case": True,
}
