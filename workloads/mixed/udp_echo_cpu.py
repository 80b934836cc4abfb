"""udp_echo while N threads count down: how much of the bandwidth is left.

Datagrams of 1 kB in lock-step: the serving thread must get the GIL back for every one of them. Unit: requests.
Source: the "bandwidth" test of ccbench (A. Pitrou, CPython's Tools/ccbench).
"""

WORKLOAD = {
    "driver": "service",
    "foreground": "udp_echo",
    "peer": "udp",
    "unit": "requests",
    "parameters": {"background": "countdown", "size": 1024, "rate": 40},
    "quiet_case": True,
}
