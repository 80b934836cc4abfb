"""udp_echo with pings on a schedule while N threads count down: how late the answers are.

Small datagrams at random moments, ``rate`` per second, whether or not the last one came back; latency counts from
the moment at which each was due. Unit: requests; taken: latency. Source: the "latency" test of ccbench
(A. Pitrou, CPython's Tools/ccbench), which counts from the moment of sending and takes the mean.
"""

WORKLOAD = {
    "driver": "service",
    "foreground": "udp_echo",
    "peer": "udp",
    "scheduled": True,
    "unit": "requests",
    "parameters": {"background": "countdown", "size": 16, "rate": 100},
    "quiet_case": True,
}
