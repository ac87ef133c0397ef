"""machine.py - what machine this is, and what it allows: cores, open files, tools.

Knows nothing of servers.
"""

import os
import resource
import shutil
import socket
import subprocess

TOOLS = {
    "wrk": "the load generator; apt-get install wrk",
    "taskset": "pins to cores; apt-get install util-linux",
    "setpriv": "ends servers with the benchmark; apt-get install util-linux",
}
# Besides the connections of a load: listening sockets, logs, epoll, models.
FILES_SPARE = 200


class Failure(Exception):
    """The reason why a run, a section, or a server's part in it ends, in one line."""


def need_tools():
    for tool, why in TOOLS.items():
        if not shutil.which(tool):
            raise Failure(f"{tool} is missing ({why})")


def _cores():
    """-> (server's cores, load generator's cores): one each where there are two"""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[:1], allowed[1:2]) if len(allowed) > 1 else (allowed, allowed)


SERVER_CORES, CLIENT_CORES = _cores()
ALL_CORES = sorted(os.sched_getaffinity(0))


def pinned(cores):
    return ["taskset", "-c", ",".join(map(str, cores))]


def raise_open_files():
    """Servers and wrk inherit it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connections_max():
    """One server's, or one client's, that this machine allows."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        low, high = map(int, f.read().split())
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return min(files - FILES_SPARE, high - low)


def blas_core():
    """The OpenBLAS kernels that suit this CPU, for peers: OpenBLAS itself takes a new CPU for an old one. None: its own choice."""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        flags = next((line.split() for line in f if line.startswith("flags")), [])
    return "SkylakeX" if "avx512dq" in flags else "Haswell" if "avx2" in flags else None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                return " ".join(line.split(":", 1)[1].split())
    return os.uname().machine


def describe():
    """-> one sentence that a table needs beside it"""
    apart = SERVER_CORES != CLIENT_CORES
    where = (
        f"server on core {SERVER_CORES[0]}, wrk on core {CLIENT_CORES[0]}"
        if apart
        else "server and wrk share the only core"
    )
    return f"{cpu_name()}, {len(ALL_CORES)} cores of it; {where}, one server thread each"


def load_average():
    return os.getloadavg()[0]


def revision():
    try:
        run = subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return run.stdout.strip() or "unknown"
