"""ready.py RUNS AXOND [ARG...] - milliseconds from starting the daemon to its first 200 of /v2/health/ready.

Prints one number per run. The probe is a bare socket in a tight loop, so that it adds well under a millisecond.
"""

import socket
import subprocess
import sys
import time

LIMIT_S = 10


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def is_ready(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
            s.sendall(b"GET /v2/health/ready HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
            return s.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def start_to_ready(command):
    port = free_port()
    start = time.perf_counter()
    process = subprocess.Popen([*command, "--listen", f"127.0.0.1:{port}"], stderr=subprocess.DEVNULL)
    try:
        while not is_ready(port):
            if process.poll() is not None or time.perf_counter() - start > LIMIT_S:
                sys.exit("ready.py: the daemon does not become ready")
            time.sleep(0.0002)
        return (time.perf_counter() - start) * 1000
    finally:
        process.terminate()
        process.wait()


for _ in range(int(sys.argv[1])):
    print(f"{start_to_ready(sys.argv[2:]):.1f}")
