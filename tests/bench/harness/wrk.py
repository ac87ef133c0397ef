"""wrk.py - one load on one server: what wrk saw, and what the server used meanwhile."""

import collections
import math
import os
import subprocess
from pathlib import Path

from machine import CLIENT_CORES, Failure, pinned

SCRIPT = Path(__file__).resolve().parent.parent / "post.lua"
CONNECT_SECONDS = 20

# busy: CPU seconds of the server per second; times in microseconds
Load = collections.namedtuple("Load", "requests rps cpu_us p50_us p99_us peak_kb busy")


def _run(url, body_path, headers, connections, seconds):
    timeout = seconds + CONNECT_SECONDS
    command = [
        *pinned(CLIENT_CORES), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
        "--timeout", f"{timeout}s", "--latency", "-s", str(SCRIPT), url,
    ]  # fmt: skip
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=timeout + 10, check=False,
            env={**os.environ, "BODY": str(body_path), "HEADERS": "".join(f"{k}: {v}\n" for k, v in headers.items())},
        ).stdout
    except subprocess.TimeoutExpired as e:
        raise Failure(f"wrk does not end: {' '.join(command)}") from e


def _result(out, url):
    for line in out.splitlines():
        if line.startswith("RESULT "):
            requests, duration, p50, p99, status, broken = map(int, line.split()[1:])
            if status or broken:
                raise Failure(f"{url}: {status} replies were no 2xx, {broken} connections failed")
            if requests == 0:
                raise Failure(f"{url}: no reply in {duration / 1e6:.1f} s")
            return requests, duration, p50, p99
    raise Failure(f"{url}: wrk says: {out.strip()[-200:]}")


def load(running, path, body_path, headers, connections, seconds):
    """-> Load; a Failure if a reply is an error"""
    process, url = running.process, running.base + path
    process.wait_idle()
    process.reset_peak()
    before = process.cpu_ns()
    out = _run(url, body_path, headers, connections, math.ceil(seconds))
    cpu_us = (process.cpu_ns() - before) / 1000
    process.need_alive()
    requests, duration, p50, p99 = _result(out, url)
    return Load(
        requests, requests / duration * 1e6, cpu_us / requests, p50, p99, process.peak_kb(),
        cpu_us / duration,
    )  # fmt: skip
