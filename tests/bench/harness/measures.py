"""measures.py - what wrk cannot see: start to ready, idle memory, memory of idle connections."""

import socket
import time

from machine import ALL_CORES, Failure, free_port
from processes import Process
from servers import AXOND, READY, READY_SECONDS, SHIPPED_ONLY

PROBE_PAUSE = 0.0002
# Opening all connections of one server: 10,000 take the slowest peer 20 s.
CONNECTIONS_SECONDS = 120


def _is_ready(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
            s.sendall(f"GET {READY} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
            return s.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def start_to_ready(places):
    """-> (milliseconds from fork to the first 200, RSS in KiB a moment later) of axond"""
    port = free_port()
    command = [p.format(**places, port=port) for p in (*AXOND, *SHIPPED_ONLY)]
    start = time.perf_counter()
    process = Process(command, f"{places['work']}/start.log", cores=ALL_CORES)
    try:
        while not _is_ready(port):
            process.need_alive()
            if time.perf_counter() - start > READY_SECONDS:
                raise Failure("axond does not become ready")
            time.sleep(PROBE_PAUSE)
        took = (time.perf_counter() - start) * 1000
        time.sleep(0.1)
        return took, process.rss_kb()
    finally:
        process.end()


# ---- connections that are open and idle ----------------------------------------------------------


def _read_reply(s):
    data = b""
    while b"\r\n\r\n" not in data:
        more = s.recv(65536)
        if not more:
            raise Failure("a connection was closed before its reply")
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise Failure(f"a connection got {head[:60]!r}")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    missing = int(fields[b"content-length"]) - len(body)
    while missing > 0:
        more = s.recv(missing)
        if not more:
            raise Failure("a connection was closed amid its reply")
        missing -= len(more)


def memory_of_connections(running, path, body, counts):
    """-> (count, bytes of RSS per open connection that has made one request and waits), one by one"""
    request = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    held, before, end = [], running.process.rss_kb(), time.monotonic() + CONNECTIONS_SECONDS
    try:
        for count in counts:
            while len(held) < count:
                if time.monotonic() > end:
                    raise Failure(f"{running.name}: {len(held)} connections in {CONNECTIONS_SECONDS} s")
                s = socket.create_connection(("127.0.0.1", running.port), timeout=30)
                held.append(s)
                s.sendall(request)
                _read_reply(s)
            running.process.wait_idle()
            yield count, (running.process.rss_kb() - before) * 1024 / count
    except (OSError, KeyError, ValueError) as e:
        raise Failure(f"{running.name}: connection {len(held)}: {e}") from e
    finally:
        for s in held:
            s.close()
